package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/argoproj/gitops-engine/pkg/health"
	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	lua "github.com/yuin/gopher-lua"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"
)

// Verdict is what both tools say of one object.
type Verdict struct {
	Argo        health.HealthStatusCode `json:"argo"`
	ArgoMessage string                  `json:"argoMessage"`
	Flux        status.Status           `json:"flux"`
}

// scripts are those of argocd-cm, by "group_Kind". It is how Argo CD hands them to its diff library.
type scripts map[string]string

func healthOf(path string) (scripts, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var file struct {
		Data map[string]string `json:"data"`
	}
	if err := yaml.UnmarshalStrict(text, &file); err != nil {
		return nil, err
	}
	return file.Data, nil
}

func judgeHealth(path string, list *unstructured.Unstructured) ([]Verdict, error) {
	custom, err := healthOf(path)
	if err != nil {
		return nil, err
	}
	var verdicts []Verdict
	err = list.EachListItem(func(item runtime.Object) error {
		object := item.(*unstructured.Unstructured)
		argo, err := health.GetResourceHealth(object, custom)
		if err != nil {
			return err
		}
		flux, err := status.Compute(object)
		if err != nil {
			return err
		}
		verdicts = append(verdicts, Verdict{argo.Status, argo.Message, flux.Status})
		return nil
	})
	return verdicts, err
}

// GetResourceHealth runs the script for an object, with the libraries that Argo CD opens.
func (s scripts) GetResourceHealth(object *unstructured.Unstructured) (*health.HealthStatus, error) {
	gvk := object.GroupVersionKind()
	key := fmt.Sprintf("resource.customizations.health.%s_%s", gvk.Group, gvk.Kind)
	script, found := s[key]
	if !found {
		return nil, fmt.Errorf("there is no %s", key)
	}
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	for _, library := range []struct {
		name string
		open lua.LGFunction
	}{{lua.LoadLibName, lua.OpenPackage}, {lua.BaseLibName, lua.OpenBase}, {lua.TabLibName, lua.OpenTable}} {
		call := lua.P{Fn: state.NewFunction(library.open), Protect: true}
		if err := state.CallByParam(call, lua.LString(library.name)); err != nil {
			return nil, err
		}
	}
	limit, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	state.SetContext(limit)
	state.SetGlobal("obj", toLua(state, object.Object))
	if err := state.DoString(script); err != nil {
		return nil, err
	}
	answer, ok := state.Get(-1).(*lua.LTable)
	if !ok {
		return nil, fmt.Errorf("%s returns %s, not a table", key, state.Get(-1).Type())
	}
	code, ok := answer.RawGetString("status").(lua.LString)
	if !ok {
		return nil, fmt.Errorf("%s returns no status", key)
	}
	message, _ := answer.RawGetString("message").(lua.LString)
	return &health.HealthStatus{Status: health.HealthStatusCode(code), Message: string(message)}, nil
}

func toLua(state *lua.LState, value any) lua.LValue {
	switch value := value.(type) {
	case bool:
		return lua.LBool(value)
	case string:
		return lua.LString(value)
	case int64:
		return lua.LNumber(value)
	case float64:
		return lua.LNumber(value)
	case []any:
		table := state.CreateTable(len(value), 0)
		for _, item := range value {
			table.Append(toLua(state, item))
		}
		return table
	case map[string]any:
		table := state.CreateTable(0, len(value))
		for key, item := range value {
			table.RawSetString(key, toLua(state, item))
		}
		return table
	default:
		return lua.LNil
	}
}
