// Command pause is the first process of every Pod sandbox: it holds the Pod's namespaces open,
// reaps orphans when the Pod shares its process namespace, and ends when asked to.
//
// Kubernetes publishes one as an image; it is built here because no registry may be reachable.
package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGCHLD)
	for received := range signals {
		if received != syscall.SIGCHLD {
			return
		}
		for {
			if ended, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); err != nil || ended <= 0 {
				break
			}
		}
	}
}
