package main

import (
	"fmt"

	"github.com/operator-framework/api/pkg/manifests"
	"github.com/operator-framework/api/pkg/validation"
	interfaces "github.com/operator-framework/api/pkg/validation/interfaces"
)

// validate says what operator-framework finds wrong in an OLM bundle: its default rules, those of
// OperatorHub, and good practices. Warnings count.
func validate(folder string) ([]string, error) {
	bundle, err := manifests.GetBundleFromDir(folder)
	if err != nil {
		return nil, err
	}
	rules := append(interfaces.Validators{}, validation.DefaultBundleValidators...)
	rules = append(rules, validation.OperatorHubV2Validator, validation.StandardCapabilitiesValidator,
		validation.StandardCategoriesValidator, validation.ObjectValidator, validation.GoodPracticesValidator)
	found := []string{}
	for _, result := range rules.Validate(bundle.ObjectsToValidate()...) {
		for _, problem := range append(result.Errors, result.Warnings...) {
			found = append(found, fmt.Sprintf("%s: %s", result.Name, problem.Error()))
		}
	}
	return found, nil
}
