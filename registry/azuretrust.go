package registry

import (
	"fmt"

	"github.com/regpass/regpass"
)

// federated is a federated credential of an application
// (https://learn.microsoft.com/graph/api/resources/federatedidentitycredential).
type federated struct {
	Name      string   `json:"name"`
	Issuer    string   `json:"issuer"`
	Subject   string   `json:"subject"`
	Audiences []string `json:"audiences"`
}

// trustAzure lets one job become an application of Entra. What the application may do is the row's.
func trustAzure(env *regpass.Env, t Target, j Job) (Trust, error) {
	if err := j.bySubject(t.Row.Name); err != nil {
		return Trust{}, err
	}
	client := t.option(env, azureClient.Name)
	id := known(client, "client-id")
	f := federated{"regpass", j.Issuer, j.Subject(), []string{j.Audience}}
	trust := Trust{
		Where: "Microsoft Entra ID, the application's page Certificates & secrets, Federated credentials, Other issuer",
		Fields: []Field{{"issuer", f.Issuer}, {"type", "Explicit subject identifier"}, {"value", f.Subject},
			{"name", f.Name}, {"audience", j.Audience}},
		Documents: []Document{{"federated credential", f}},
		Workflow:  []Field{{"AZURE_CLIENT_ID", id}, {"AZURE_TENANT_ID", known(t.option(env, azureTenant.Name), "tenant")}},
		Notes: []string{"Entra compares issuer, subject and audience letter by letter, without any *.",
			"A name is for one federated credential of the application: each further job needs one of its own.",
			"A new federated credential may take 5 minutes to work."},
	}
	if client == "" {
		trust.Shell = "az ad app create --display-name regpass-ci\n" + fmt.Sprintf("az ad sp create --id %s\n", shell(id))
		trust.Notes = append(trust.Notes, "The client id is on the application's page Overview; the first command of "+
			"`--format sh` prints it, as appId, for the others.")
	}
	trust.Shell += fmt.Sprintf("az ad app federated-credential create --id %s --parameters %s\n", shell(id),
		shell(compactJSON(f)))
	trust.Terraform = fmt.Sprintf(`data "azuread_application" "ci" {
  client_id = %s
}

resource "azuread_application_federated_identity_credential" "regpass" {
  application_id = data.azuread_application.ci.id
  display_name   = %s
  issuer         = %s
  subject        = %s
  audiences      = [%s]
}
`, hcl(id), hcl(f.Name), hcl(f.Issuer), hcl(f.Subject), hcl(j.Audience))
	return trust, nil
}

// trustAzureArtifacts lets one job become an application, which a person adds to the organization.
func trustAzureArtifacts(env *regpass.Env, t Target, j Job) (Trust, error) {
	a, _ := t.exchanger.(azureFeed)
	trust, err := trustAzure(env, t, j)
	if err != nil {
		return Trust{}, err
	}
	trust.Notes = append(trust.Notes,
		"Add the application to the organization "+a.organization+" in its settings under Users, with a Basic licence.",
		"Give it the role Feed Reader in the feed's settings under Permissions.",
		"The organization must be of the application's tenant. AZURE_TENANT_ID may be left out: the feed says it.")
	return trust, nil
}

// trustACR lets one job become an application, which may pull from the registry.
func trustACR(env *regpass.Env, t Target, j Job) (Trust, error) {
	a, _ := t.exchanger.(acrRef)
	trust, err := trustAzure(env, t, j)
	if err != nil {
		return Trust{}, err
	}
	id := known(t.option(env, azureClient.Name), "client-id")
	trust.Shell += fmt.Sprintf("az role assignment create --assignee %s --role AcrPull --scope "+
		"\"$(az acr show --name %s --query id --output tsv)\"\n", shell(id), shell(a.name))
	trust.Terraform += fmt.Sprintf(`
data "azuread_service_principal" "ci" {
  client_id = %s
}

data "azurerm_container_registry" "images" {
  name                = %s
  resource_group_name = %s
}

resource "azurerm_role_assignment" "pull" {
  scope                = data.azurerm_container_registry.images.id
  role_definition_name = "AcrPull"
  principal_id         = data.azuread_service_principal.ci.object_id
}
`, hcl(id), hcl(a.name), hcl(placeholder("resource-group")))
	trust.Notes = append(trust.Notes,
		"Use AcrPush instead of AcrPull for a job that pushes.",
		"A registry with permissions for each repository has Container Registry Repository Reader instead of AcrPull.")
	return trust, nil
}
