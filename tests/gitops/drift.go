package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/argoproj/gitops-engine/pkg/diff"
	"github.com/fluxcd/pkg/ssa"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/kube-openapi/pkg/util/proto"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	argoManager = "argocd-controller"
	fluxManager = "kustomize-controller"
)

// drift tells by which way of looking an object that Git has as given differs from the live one: for
// Argo CD each of its three diffs, for Flux its one. No difference is an empty string.
func drift(kubeconfig string, git *unstructured.Unstructured) (map[string]string, error) {
	ctx := context.Background()
	config, kube, err := connect(kubeconfig)
	if err != nil {
		return nil, err
	}
	live := git.DeepCopy()
	if err := kube.Get(ctx, client.ObjectKeyFromObject(git), live); err != nil {
		return nil, err
	}
	parser, err := schemas(config)
	if err != nil {
		return nil, err
	}
	answers := map[string]string{}
	for name, options := range map[string][]diff.Option{
		"Argo CD, three-way":        nil,
		"Argo CD, structured merge": {diff.WithStructuredMergeDiff(true), diff.WithGVKParser(parser), diff.WithManager(argoManager)},
		"Argo CD, server-side": {diff.WithServerSideDiff(true), diff.WithGVKParser(parser), diff.WithManager(argoManager),
			diff.WithServerSideDryRunner(dryRunner{kube})},
	} {
		result, err := diff.Diff(git.DeepCopy(), live.DeepCopy(), options...)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		answers[name] = ""
		if result.Modified {
			answers[name] = fmt.Sprintf("live %s, expected %s", result.NormalizedLive, result.PredictedLive)
		}
	}
	change, _, merged, err := flux(kube).Diff(ctx, git.DeepCopy(), ssa.DefaultDiffOptions())
	if err != nil {
		return nil, fmt.Errorf("flux: %w", err)
	}
	answers["Flux"] = ""
	if change.Action != ssa.UnchangedAction {
		answers["Flux"] = fmt.Sprintf("%s: %v", change.Action, merged)
	}
	return answers, nil
}

// fluxApply does what Flux' kustomize-controller does with an object.
func fluxApply(kubeconfig string, git *unstructured.Unstructured) (string, error) {
	_, kube, err := connect(kubeconfig)
	if err != nil {
		return "", err
	}
	change, err := flux(kube).Apply(context.Background(), git, ssa.DefaultApplyOptions())
	if err != nil {
		return "", err
	}
	return string(change.Action), nil
}

func flux(kube client.Client) *ssa.ResourceManager {
	owner := ssa.Owner{Field: fluxManager, Group: "kustomize.toolkit.fluxcd.io"}
	return ssa.NewResourceManager(kube, nil, owner)
}

func connect(kubeconfig string) (*rest.Config, client.Client, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, nil, err
	}
	mapper := meta.NewDefaultRESTMapper(nil)
	for _, kind := range []string{"Deployment", "StatefulSet", "DaemonSet"} {
		mapper.Add(schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: kind}, meta.RESTScopeNamespace)
	}
	kube, err := client.New(config, client.Options{Mapper: mapper})
	return config, kube, err
}

// schemas are the API server's own.
func schemas(config *rest.Config) (*managedfields.GvkParser, error) {
	api, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, err
	}
	document, err := api.OpenAPISchema()
	if err != nil {
		return nil, err
	}
	models, err := proto.NewOpenAPIData(document)
	if err != nil {
		return nil, err
	}
	return managedfields.NewGVKParser(models, false)
}

// dryRunner is Argo CD's server-side apply, which changes nothing.
type dryRunner struct{ client.Client }

func (d dryRunner) Run(ctx context.Context, object *unstructured.Unstructured, manager string) (string, error) {
	answer := object.DeepCopy()
	err := d.Patch(ctx, answer, client.Apply, client.DryRunAll, client.ForceOwnership, client.FieldOwner(manager))
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(answer)
	return string(text), err
}
