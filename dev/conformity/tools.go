//go:build tools

// Package conformity pins the program that holds rendered manifests to schemas. It has a module of its own, so that a
// new pin does not build the cluster's programs anew.
package conformity

import _ "github.com/yannh/kubeconform/cmd/kubeconform"
