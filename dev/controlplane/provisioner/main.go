// Command provisioner makes a directory for every PersistentVolumeClaim of its storage class and
// offers it as a `local` volume, so that claims bind on demand as on a cluster with a cloud disk.
//
// It exists because the usual local provisioners start a helper Pod from a public image, and a
// development cluster may have no registry to pull it from. A `local` volume rather than a
// hostPath: the kubelet applies fsGroup to it, which restricted Pods need. The size asked for is
// recorded but not enforced, as with every directory.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
	"sigs.k8s.io/sig-storage-lib-external-provisioner/v13/controller"
)

const name = "coppice.dev/directory"

// directories provisions volumes as directories below one root on one node.
type directories struct{ root, node string }

func (d directories) Provision(
	_ context.Context, options controller.ProvisionOptions,
) (*v1.PersistentVolume, controller.ProvisioningState, error) {
	path := filepath.Join(d.root, options.PVName)
	// Any user may write, as the owner of the claim is unknown here; umask would narrow Mkdir's mode.
	if err := os.MkdirAll(path, 0o777); err != nil {
		return nil, controller.ProvisioningFinished, err
	}
	if err := os.Chmod(path, 0o777); err != nil {
		return nil, controller.ProvisioningFinished, err
	}
	return d.volume(path, options), controller.ProvisioningFinished, nil
}

func (d directories) volume(path string, options controller.ProvisionOptions) *v1.PersistentVolume {
	mode := v1.PersistentVolumeFilesystem
	here := v1.NodeSelectorRequirement{
		Key: v1.LabelHostname, Operator: v1.NodeSelectorOpIn, Values: []string{d.node},
	}
	return &v1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: options.PVName},
		Spec: v1.PersistentVolumeSpec{
			AccessModes:                   options.PVC.Spec.AccessModes,
			Capacity:                      v1.ResourceList{v1.ResourceStorage: options.PVC.Spec.Resources.Requests[v1.ResourceStorage]},
			PersistentVolumeReclaimPolicy: *options.StorageClass.ReclaimPolicy,
			VolumeMode:                    &mode,
			PersistentVolumeSource:        v1.PersistentVolumeSource{Local: &v1.LocalVolumeSource{Path: path}},
			NodeAffinity: &v1.VolumeNodeAffinity{Required: &v1.NodeSelector{
				NodeSelectorTerms: []v1.NodeSelectorTerm{{MatchExpressions: []v1.NodeSelectorRequirement{here}}},
			}},
		},
	}
}

func (d directories) Delete(_ context.Context, volume *v1.PersistentVolume) error {
	path := filepath.Join(d.root, volume.Name)
	if volume.Spec.Local == nil || volume.Spec.Local.Path != path {
		return fmt.Errorf("volume %s does not lie at %s: remove its data by hand", volume.Name, path)
	}
	return os.RemoveAll(path)
}

func main() {
	kubeconfig := flag.String("kubeconfig", "", "path of the kubeconfig")
	root := flag.String("root", "", "directory below which volumes are made")
	node := flag.String("node", "", "name of the node whose directories they are")
	flag.Parse()
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		klog.Fatal(err)
	}
	client := kubernetes.NewForConfigOrDie(config)
	provisioner := directories{root: *root, node: *node}
	controller.NewProvisionController(
		context.Background(), client, name, provisioner, controller.LeaderElection(false), controller.MetricsPort(0),
	).Run(context.Background())
}
