// Asks the libraries of Argo CD, Flux and OLM what these tools would say of objects. JSON in, JSON out.
//
//	judge health HEALTH.yaml      a List → for each object its health in Argo CD, and in Flux (kstatus)
//	judge drift KUBECONFIG        an object as Git has it → what each tool sees of it as drift
//	judge flux-apply KUBECONFIG   an object as Git has it → applied as Flux does, and what Flux says
//	judge olm BUNDLE              what operator-framework finds wrong in an OLM bundle
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "judge:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("health HEALTH.yaml, drift KUBECONFIG or flux-apply KUBECONFIG; not %q", args)
	}
	if args[0] == "olm" {
		found, err := validate(args[1])
		if err != nil {
			return err
		}
		return json.NewEncoder(os.Stdout).Encode(found)
	}
	var input unstructured.Unstructured
	if err := json.NewDecoder(os.Stdin).Decode(&input); err != nil {
		return err
	}
	var answer any
	var err error
	switch args[0] {
	case "health":
		answer, err = judgeHealth(args[1], &input)
	case "drift":
		answer, err = drift(args[1], &input)
	case "flux-apply":
		answer, err = fluxApply(args[1], &input)
	default:
		err = fmt.Errorf("%s: no such command", args[0])
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(answer)
}
