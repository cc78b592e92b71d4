//! ACL calls: tokens, policies, roles, auth methods, binding rules, templated policies, login and logout
//! (`spec/acl-and-tls.md` 9).

mod objects;

pub use objects::*;

use super::{Body, Client, Error, Method, Params, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Refers to an object by id, or by its name when the id is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By<'a> {
    /// By id.
    Id(&'a str),
    /// By name.
    Name(&'a str),
}

impl Client {
    /// An object, none when the agent answers 404.
    async fn maybe<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>> {
        let response = self.send(Method::GET, path, Params::new(), None).await?;
        if response.status == 404 {
            return Ok(None);
        }
        response.success()?.json().map(Some)
    }

    /// Sends an object and reads the one that became of it.
    async fn exchange<T: DeserializeOwned>(&self, method: Method, path: &str, body: Option<Body>) -> Result<T> {
        self.send(method, path, Params::new(), body).await?.success()?.json()
    }

    /// Creates or updates: the path of an update ends with the id.
    async fn store<T: Serialize + DeserializeOwned>(&self, collection: &str, id: &str, object: &T) -> Result<T> {
        let path = if id.is_empty() { format!("/v1/acl/{collection}") } else { format!("/v1/acl/{collection}/{id}") };
        self.exchange(Method::PUT, &path, Some(Body::json(object))).await
    }

    async fn list<T: DeserializeOwned>(&self, path: &str, params: Params) -> Result<Vec<T>> {
        let found: Option<Vec<T>> = self.get(path, params).await?;
        Ok(found.unwrap_or_default())
    }

    async fn remove(&self, path: &str) -> Result<()> {
        self.send(Method::DELETE, path, Params::new(), None).await?.success().map(drop)
    }

    /// Creates the first management token; `secret` empty lets the server choose.
    ///
    /// # Errors
    /// No answer or a refusal, as for all calls here.
    pub async fn acl_bootstrap(&self, secret: &str) -> Result<Token> {
        let body = (!secret.is_empty()).then(|| Body::json(&json!({ "BootstrapSecret": secret })));
        self.exchange(Method::PUT, "/v1/acl/bootstrap", body).await
    }

    /// One token.
    ///
    /// # Errors
    /// An unknown accessor is a refusal with 403.
    pub async fn acl_token(&self, accessor: &str) -> Result<Token> {
        self.get(&format!("/v1/acl/token/{accessor}"), Params::new()).await
    }

    /// One token with the policies and roles that it leads to.
    ///
    /// # Errors
    /// As [`Client::acl_token`].
    pub async fn acl_token_expanded(&self, accessor: &str) -> Result<ExpandedToken> {
        self.get(&format!("/v1/acl/token/{accessor}"), Params::new().with("expanded", true)).await
    }

    /// The token that the client sends.
    ///
    /// # Errors
    /// No answer or a refusal.
    pub async fn acl_token_self(&self) -> Result<Token> {
        self.get("/v1/acl/token/self", Params::new()).await
    }

    /// All tokens.
    ///
    /// # Errors
    /// No answer or a refusal.
    pub async fn acl_tokens(&self) -> Result<Vec<TokenEntry>> {
        self.list("/v1/acl/tokens", Params::new()).await
    }

    /// Creates a token.
    ///
    /// # Errors
    /// No answer or a refusal.
    pub async fn acl_token_create(&self, token: &Token) -> Result<Token> {
        self.store("token", "", token).await
    }

    /// Replaces a token.
    ///
    /// # Errors
    /// No answer or a refusal.
    pub async fn acl_token_update(&self, token: &Token) -> Result<Token> {
        self.store("token", &token.accessor_id, token).await
    }

    /// Copies a token; an empty description is that of the original.
    ///
    /// # Errors
    /// No answer or a refusal.
    pub async fn acl_token_clone(&self, accessor: &str, description: &str) -> Result<Token> {
        let body = Body::json(&json!({ "Description": description }));
        self.exchange(Method::PUT, &format!("/v1/acl/token/{accessor}/clone"), Some(body)).await
    }

    /// Deletes a token.
    ///
    /// # Errors
    /// No answer or a refusal.
    pub async fn acl_token_delete(&self, accessor: &str) -> Result<()> {
        self.remove(&format!("/v1/acl/token/{accessor}")).await
    }

    /// One policy; by name none when there is none, by id that is a refusal.
    ///
    /// # Errors
    /// No answer or a refusal.
    pub async fn acl_policy(&self, by: By<'_>) -> Result<Option<Policy>> {
        match by {
            By::Id(id) => self.get(&format!("/v1/acl/policy/{id}"), Params::new()).await.map(Some),
            By::Name(name) => self.maybe(&format!("/v1/acl/policy/name/{name}")).await,
        }
    }

    /// All policies, without their rules.
    ///
    /// # Errors
    /// No answer or a refusal.
    pub async fn acl_policies(&self) -> Result<Vec<PolicyEntry>> {
        self.list("/v1/acl/policies", Params::new()).await
    }

    /// Creates a policy, or replaces the one with its id.
    ///
    /// # Errors
    /// No answer or a refusal.
    pub async fn acl_policy_set(&self, policy: &Policy) -> Result<Policy> {
        self.store("policy", &policy.id, policy).await
    }

    /// Deletes a policy.
    ///
    /// # Errors
    /// No answer or a refusal.
    pub async fn acl_policy_delete(&self, id: &str) -> Result<()> {
        self.remove(&format!("/v1/acl/policy/{id}")).await
    }

    /// One role, none when there is none.
    ///
    /// # Errors
    /// No answer or a refusal.
    pub async fn acl_role(&self, by: By<'_>) -> Result<Option<Role>> {
        match by {
            By::Id(id) => self.maybe(&format!("/v1/acl/role/{id}")).await,
            By::Name(name) => self.maybe(&format!("/v1/acl/role/name/{name}")).await,
        }
    }

    /// All roles.
    ///
    /// # Errors
    /// No answer or a refusal.
    pub async fn acl_roles(&self) -> Result<Vec<Role>> {
        self.list("/v1/acl/roles", Params::new()).await
    }

    /// Creates a role, or replaces the one with its id.
    ///
    /// # Errors
    /// No answer or a refusal.
    pub async fn acl_role_set(&self, role: &Role) -> Result<Role> {
        self.store("role", &role.id, role).await
    }

    /// Deletes a role.
    ///
    /// # Errors
    /// No answer or a refusal.
    pub async fn acl_role_delete(&self, id: &str) -> Result<()> {
        self.remove(&format!("/v1/acl/role/{id}")).await
    }

    /// One auth method, none when there is none.
    ///
    /// # Errors
    /// No answer or a refusal.
    pub async fn acl_auth_method(&self, name: &str) -> Result<Option<AuthMethod>> {
        self.maybe(&format!("/v1/acl/auth-method/{name}")).await
    }

    /// All auth methods, without their configuration.
    ///
    /// # Errors
    /// No answer or a refusal.
    pub async fn acl_auth_methods(&self) -> Result<Vec<AuthMethodEntry>> {
        self.list("/v1/acl/auth-methods", Params::new()).await
    }

    /// Creates an auth method.
    ///
    /// # Errors
    /// No answer or a refusal.
    pub async fn acl_auth_method_create(&self, method: &AuthMethod) -> Result<AuthMethod> {
        self.store("auth-method", "", method).await
    }

    /// Replaces an auth method.
    ///
    /// # Errors
    /// No answer or a refusal.
    pub async fn acl_auth_method_update(&self, method: &AuthMethod) -> Result<AuthMethod> {
        self.store("auth-method", &method.name, method).await
    }

    /// Deletes an auth method, its binding rules and its tokens.
    ///
    /// # Errors
    /// No answer or a refusal.
    pub async fn acl_auth_method_delete(&self, name: &str) -> Result<()> {
        self.remove(&format!("/v1/acl/auth-method/{name}")).await
    }

    /// One binding rule, none when there is none.
    ///
    /// # Errors
    /// No answer or a refusal.
    pub async fn acl_binding_rule(&self, id: &str) -> Result<Option<BindingRule>> {
        self.maybe(&format!("/v1/acl/binding-rule/{id}")).await
    }

    /// The binding rules of an auth method, or all with an empty name.
    ///
    /// # Errors
    /// No answer or a refusal.
    pub async fn acl_binding_rules(&self, method: &str) -> Result<Vec<BindingRule>> {
        let params = Params::new().with_if(!method.is_empty(), "authmethod", method);
        self.list("/v1/acl/binding-rules", params).await
    }

    /// Creates a binding rule, or replaces the one with its id.
    ///
    /// # Errors
    /// No answer or a refusal.
    pub async fn acl_binding_rule_set(&self, rule: &BindingRule) -> Result<BindingRule> {
        self.store("binding-rule", &rule.id, rule).await
    }

    /// Deletes a binding rule.
    ///
    /// # Errors
    /// No answer or a refusal.
    pub async fn acl_binding_rule_delete(&self, id: &str) -> Result<()> {
        self.remove(&format!("/v1/acl/binding-rule/{id}")).await
    }

    /// All templated policies by name.
    ///
    /// # Errors
    /// No answer or a refusal.
    pub async fn acl_templates(&self) -> Result<std::collections::BTreeMap<String, Template>> {
        self.get("/v1/acl/templated-policies", Params::new()).await
    }

    /// One templated policy, none when there is none.
    ///
    /// # Errors
    /// No answer or a refusal.
    pub async fn acl_template(&self, name: &str) -> Result<Option<Template>> {
        self.maybe(&format!("/v1/acl/templated-policy/name/{name}")).await
    }

    /// The policy that a templated policy stands for.
    ///
    /// # Errors
    /// No answer or a refusal.
    pub async fn acl_template_preview(&self, policy: &TemplatedPolicy) -> Result<Policy> {
        let variables = policy.template_variables.clone().unwrap_or_default();
        let path = format!("/v1/acl/templated-policy/preview/{}", policy.template_name);
        self.exchange(Method::POST, &path, Some(Body::json(&variables))).await
    }

    /// Exchanges the credential of an auth method for a token.
    ///
    /// # Errors
    /// No answer or a refusal.
    pub async fn acl_login(
        &self,
        method: &str,
        bearer: &str,
        meta: &std::collections::BTreeMap<String, String>,
    ) -> Result<Token> {
        let mut body = json!({ "AuthMethod": method, "BearerToken": bearer });
        if !meta.is_empty() {
            body["Meta"] = json!(meta);
        }
        self.exchange(Method::POST, "/v1/acl/login", Some(Body::json(&body))).await
    }

    /// Destroys the client's own token, which a login made.
    ///
    /// # Errors
    /// No answer or a refusal.
    pub async fn acl_logout(&self) -> Result<()> {
        self.send(Method::POST, "/v1/acl/logout", Params::new(), None).await?.success().map(drop)
    }

    /// Gives the agent a token; several names stand for one use, the first that the agent knows is taken.
    ///
    /// # Errors
    /// No answer or a refusal.
    pub async fn agent_set_token(&self, names: &[&str], secret: &str) -> Result<()> {
        let mut last = Error::Other("no name to try".into());
        for name in names {
            let body: Value = json!({ "Token": secret });
            match self.put(&format!("/v1/agent/token/{name}"), Params::new(), Some(Body::json(&body))).await {
                Ok(_) => return Ok(()),
                Err(error) if error.status() == Some(404) => last = error,
                Err(error) => return Err(error),
            }
        }
        Err(last)
    }
}
