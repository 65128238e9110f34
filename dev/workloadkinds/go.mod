// Pins the modules whose CustomResourceDefinitions the tests of accounted workloads serve; nothing of them is built.
module coppice.dev/workloadkinds

go 1.26.0

require (
	github.com/kubeflow/trainer/v2 v2.0.0
	github.com/kubeflow/training-operator v1.8.1
	sigs.k8s.io/jobset v0.10.1
)
