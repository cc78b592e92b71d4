//! Where the credentials of a caller can be, in the order of AWS's own tools. The first place that has something decides:
//! when it fails, no other identity is taken instead.

use super::super::os_text;
use super::container::Container;
use super::instance::Instance;
use super::shared::{Files, Profile};
use super::sts::Role;
use super::{Credentials, Sts, process};
use chrono::Utc;
use std::future::Future;
use std::pin::Pin;

/// Most profiles that lead to another.
const DEPTH: usize = 5;

/// The places.
pub struct Chain<'a> {
    env: &'a dyn Fn(&str) -> Option<String>,
    files: Files,
}

type Found<T> = Result<Option<T>, String>;

impl<'a> Chain<'a> {
    /// The places that this environment names.
    pub fn new(env: &'a dyn Fn(&str) -> Option<String>) -> Chain<'a> {
        Chain { env, files: Files::read(&|name| set(env, name)) }
    }

    fn variable(&self, name: &str) -> Option<String> {
        set(self.env, name)
    }

    fn first(&self, names: [&str; 2]) -> Option<String> {
        names.iter().find_map(|name| self.variable(name))
    }

    fn profile_name(&self) -> String {
        self.first(["AWS_PROFILE", "AWS_DEFAULT_PROFILE"]).unwrap_or_else(|| "default".to_owned())
    }

    fn profile(&self) -> Profile {
        self.files.profile(&self.profile_name()).unwrap_or_default()
    }

    /// The region of the environment or profile.
    pub fn region(&self) -> Option<String> {
        self.first(["AWS_REGION", "AWS_DEFAULT_REGION"]).or_else(|| self.profile().get("region"))
    }

    /// The credentials.
    ///
    /// # Errors
    /// A place that is named does not give them, or no place is named; the text tells what was looked at.
    pub async fn credentials(&self, sts: &Sts) -> Result<Credentials, String> {
        if let Some(found) = self.of_environment() {
            return Ok(found);
        }
        if let Some(file) = self.variable("AWS_WEB_IDENTITY_TOKEN_FILE") {
            let arn =
                self.variable("AWS_ROLE_ARN").ok_or("AWS_WEB_IDENTITY_TOKEN_FILE is set and AWS_ROLE_ARN is not")?;
            let role = role(arn, self.variable("AWS_ROLE_SESSION_NAME"), None);
            return by_token(sts, &role, &file).await;
        }
        let name = self.profile_name();
        if let Some(found) = self.by_profile(sts, &name, 0).await? {
            return Ok(found);
        }
        if let Some(found) = self.of_container().await? {
            return Ok(found);
        }
        let instance = match self.of_instance(&self.profile()).await {
            Ok(Some(found)) => return Ok(found),
            Ok(None) => "switched off by AWS_EC2_METADATA_DISABLED".to_owned(),
            Err(error) => error,
        };
        Err(format!(
            "no AWS credentials\n  flags: no -aws-access-key-id\n  \
             environment: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not both set\n  \
             web identity: AWS_WEB_IDENTITY_TOKEN_FILE is not set\n  \
             shared files: no credentials for profile {name:?} in {}\n  \
             container: neither AWS_CONTAINER_CREDENTIALS_RELATIVE_URI nor AWS_CONTAINER_CREDENTIALS_FULL_URI is set\n  \
             instance metadata: {instance}",
            self.files.described()
        ))
    }

    fn of_environment(&self) -> Option<Credentials> {
        Credentials::of(
            self.first(["AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY"]),
            self.first(["AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY"]),
            self.variable("AWS_SESSION_TOKEN"),
        )
    }

    async fn of_container(&self) -> Found<Credentials> {
        let found = async {
            match Container::find(&|name| self.variable(name)).await? {
                Some(service) => service.credentials().await.map(Some),
                None => Ok(None),
            }
        };
        found.await.map_err(|error| format!("AWS credentials of the container: {error}"))
    }

    async fn of_instance(&self, profile: &Profile) -> Found<Credentials> {
        match Instance::find(&|name, key| self.variable(name).or_else(|| profile.get(key)))? {
            Some(service) => service.credentials().await.map(Some),
            None => Ok(None),
        }
    }

    /// What a profile gives; nothing if it says nothing of credentials.
    fn by_profile<'f>(
        &'f self,
        sts: &'f Sts,
        name: &'f str,
        depth: usize,
    ) -> Pin<Box<dyn Future<Output = Found<Credentials>> + 'f>> {
        Box::pin(async move {
            let of_profile = |error: String| format!("AWS credentials of profile {name:?}: {error}");
            match self.files.profile(name) {
                Some(profile) => self.of_profile(sts, name, &profile, depth).await.map_err(of_profile),
                // A name that was given and is not there is a mistake: nobody wants another identity then.
                None if depth > 0 || self.first(["AWS_PROFILE", "AWS_DEFAULT_PROFILE"]).is_some() => {
                    Err(of_profile(format!("there is none in {}", self.files.described())))
                }
                None => Ok(None),
            }
        })
    }

    async fn of_profile(&self, sts: &Sts, name: &str, profile: &Profile, depth: usize) -> Found<Credentials> {
        let missing = |what: &str| format!("it has no {what}");
        let arn = profile.get("role_arn");
        let named_source = profile.get("source_profile").filter(|_| arn.is_some());
        let source = match (named_source, profile.keys(), profile.get("credential_source")) {
            (Some(source), Some(keys), _) if source == name => keys,
            (Some(_), ..) if depth >= DEPTH => return Err(format!("more than {DEPTH} profiles lead to each other")),
            (Some(source), ..) if source == name => return Err(missing("keys")),
            (Some(source), ..) => match self.by_profile(sts, &source, depth + 1).await? {
                Some(found) => found,
                None => return Err(format!("profile {source:?} has no credentials")),
            },
            (None, Some(keys), _) => return Ok(Some(keys)),
            (None, None, Some(source)) => match source.as_str() {
                "Environment" => self.of_environment().ok_or("there are no keys in the environment")?,
                "EcsContainer" => self.of_container().await?.ok_or("no variable names the service of the container")?,
                "Ec2InstanceMetadata" => self.of_instance(profile).await?.ok_or("AWS_EC2_METADATA_DISABLED is set")?,
                _ => {
                    return Err(
                        "credential_source is none of Environment, EcsContainer, Ec2InstanceMetadata".to_owned()
                    );
                }
            },
            (None, None, None) => {
                if let Some(file) = profile.get("web_identity_token_file") {
                    let role = role(arn.ok_or_else(|| missing("role_arn"))?, profile.get("role_session_name"), None);
                    return by_token(sts, &role, &file).await.map(Some);
                }
                if ["sso_session", "sso_account_id", "sso_start_url"].iter().any(|key| profile.get(key).is_some()) {
                    return Err(
                        "it signs in with IAM Identity Center (SSO), which is not supported; credential_process can \
                                run `aws configure export-credentials`"
                            .to_owned(),
                    );
                }
                return match profile.get("credential_process") {
                    Some(line) => {
                        let found = process::credentials(&line).await;
                        found.map(Some).map_err(|error| format!("credential_process: {error}"))
                    }
                    None => Ok(None),
                };
            }
        };
        let Some(arn) = arn else { return Ok(Some(source)) };
        if profile.get("mfa_serial").is_some() {
            return Err("its role wants a code of an MFA device, which cannot be given here".to_owned());
        }
        let role = Role {
            seconds: profile.get("duration_seconds"),
            ..role(arn, profile.get("role_session_name"), profile.get("external_id"))
        };
        sts.role(&role, &source).await.map(Some)
    }
}

fn set(env: &dyn Fn(&str) -> Option<String>, name: &str) -> Option<String> {
    env(name).filter(|value| !value.is_empty())
}

/// A role; its session is named after the time when nobody names it.
fn role(arn: String, session: Option<String>, external_id: Option<String>) -> Role {
    let session = session.unwrap_or_else(|| format!("tribune-{}", Utc::now().timestamp_millis()));
    Role { arn, session, external_id, seconds: None }
}

/// The role's credentials for the token in a file.
async fn by_token(sts: &Sts, role: &Role, file: &str) -> Result<Credentials, String> {
    let failed = |error: String| format!("AWS credentials of the web identity: {error}");
    let token = std::fs::read_to_string(file).map_err(|error| failed(format!("open {file}: {}", os_text(&error))))?;
    sts.role_by_token(role, token.trim()).await.map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Variables, serve, variables};
    use super::*;

    const CONFIG: &str = "[default]
region = eu-west-1
[profile role]
role_arn = arn:aws:iam::1:role/r
source_profile = base
role_session_name = me
[profile base]
aws_access_key_id = BASE
aws_secret_access_key = secret
[profile self]
role_arn = arn:aws:iam::1:role/self
source_profile = self
aws_access_key_id = SELF
aws_secret_access_key = secret
[profile chained]
role_arn = arn:aws:iam::1:role/second
source_profile = role
[profile loop]
role_arn = arn:aws:iam::1:role/r
source_profile = loop2
[profile loop2]
role_arn = arn:aws:iam::1:role/r
source_profile = loop
[profile lost]
role_arn = arn:aws:iam::1:role/r
source_profile = nowhere
[profile hollow]
role_arn = arn:aws:iam::1:role/r
source_profile = hollow
[profile environment]
role_arn = arn:aws:iam::1:role/r
credential_source = Environment
[profile elsewhere]
role_arn = arn:aws:iam::1:role/r
credential_source = Elsewhere
[profile instance]
role_arn = arn:aws:iam::1:role/r
credential_source = Ec2InstanceMetadata
[profile mfa]
role_arn = arn:aws:iam::1:role/r
source_profile = base
mfa_serial = x
[profile sso]
sso_session = x
[profile web]
role_arn = arn:aws:iam::1:role/web
web_identity_token_file = TOKEN
[profile process]
credential_process = echo '{\"Version\": 1, \"AccessKeyId\": \"PROC\", \"SecretAccessKey\": \"b\"}'
[profile fails]
credential_process = exit 7
";

    /// Variables with their values.
    type Environment = Vec<(&'static str, String)>;

    /// A service that gives every kind of credentials; the access key tells which. A role's names whoever took it.
    fn service() -> reqwest::Url {
        serve(|asked| {
            let form: Vec<&str> = asked.body.split('&').collect();
            let role = form.iter().find_map(|pair| pair.strip_prefix("RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2F"));
            let signer = asked.header("authorization");
            let signer = signer.strip_prefix("AWS4-HMAC-SHA256 Credential=").and_then(|rest| rest.split('/').next());
            let of_token = form.contains(&"WebIdentityToken=t0ken").then_some("token");
            let document =
                |id: &str| format!(r#"{{"Code":"Success","AccessKeyId":"{id}","SecretAccessKey":"b","Token":"c"}}"#);
            match (asked.line.as_str(), role, signer.or(of_token)) {
                ("POST / HTTP/1.1", Some(role), Some(by)) => {
                    let text = format!(
                        "<R><Credentials><AccessKeyId>{role}-by-{by}</AccessKeyId><SecretAccessKey>b</SecretAccessKey>\
                         <SessionToken>c</SessionToken></Credentials></R>"
                    );
                    (200, text)
                }
                ("GET /container HTTP/1.1", ..) => (200, document("CONTAINER")),
                ("PUT /latest/api/token HTTP/1.1", ..) => (200, "session".to_owned()),
                ("GET /latest/meta-data/iam/security-credentials/ HTTP/1.1", ..) => (200, "r".to_owned()),
                ("GET /latest/meta-data/iam/security-credentials/r HTTP/1.1", ..) => (200, document("INSTANCE")),
                _ => (404, String::new()),
            }
        })
    }

    #[tokio::test]
    async fn the_first_place_that_is_named_decides() {
        let home = tempfile::tempdir().expect("a folder");
        let path = |name: &str| home.path().join(name).display().to_string();
        std::fs::write(path("token"), "t0ken\n").expect("written");
        std::fs::write(path("config"), CONFIG.replace("TOKEN", &path("token"))).expect("written");
        std::fs::write(path("credentials"), "[default]\naws_access_key_id=FILE\naws_secret_access_key=b\n")
            .expect("written");
        let url = service();
        let sts = Sts::new(url.as_str(), "").expect("an endpoint");
        let (config, credentials, token, none) = (path("config"), path("credentials"), path("token"), path("none"));
        let container = url.join("container").expect("a URL").to_string();
        let keys = [("AWS_ACCESS_KEY_ID", "ENV"), ("AWS_SECRET_ACCESS_KEY", "b")];
        let old_keys = [("AWS_ACCESS_KEY", "OLD"), ("AWS_SECRET_KEY", "b")];
        let web = [("AWS_WEB_IDENTITY_TOKEN_FILE", token.as_str()), ("AWS_ROLE_ARN", "arn:aws:iam::1:role/env")];
        let file = [("AWS_SHARED_CREDENTIALS_FILE", credentials.as_str())];
        let containers = [("AWS_CONTAINER_CREDENTIALS_FULL_URI", container.as_str())];
        let instance = [("AWS_EC2_METADATA_SERVICE_ENDPOINT", url.as_str()), ("AWS_EC2_METADATA_DISABLED", "false")];
        let profile = |name: &'static str| vec![("AWS_PROFILE", name)];
        let places = |list: &[&[(&'static str, &'_ str)]]| {
            list.iter()
                .flat_map(|place| place.iter().map(|(name, value)| (*name, value.to_string())))
                .collect::<Vec<_>>()
        };
        let of = |name: &str| format!("AWS credentials of profile {name:?}: ");
        let cases: Vec<(Environment, Result<&str, String>)> = vec![
            (places(&[&keys, &web, &file, &containers, &instance]), Ok("ENV")),
            (places(&[&old_keys, &web]), Ok("OLD")),
            (places(&[&web, &file, &containers, &instance]), Ok("env-by-token")),
            (places(&[&web[..1], &file]), Err("AWS_WEB_IDENTITY_TOKEN_FILE is set and AWS_ROLE_ARN is not".to_owned())),
            (
                places(&[&[("AWS_WEB_IDENTITY_TOKEN_FILE", &none)], &web[1..], &file]),
                Err(format!("AWS credentials of the web identity: open {none}: no such file or directory")),
            ),
            (places(&[&file, &containers, &instance]), Ok("FILE")),
            (places(&[&containers, &instance]), Ok("CONTAINER")),
            (places(&[&instance]), Ok("INSTANCE")),
            (places(&[&keys[..1], &instance]), Ok("INSTANCE")),
            (places(&[&profile("role")]), Ok("r-by-BASE")),
            (places(&[&[("AWS_DEFAULT_PROFILE", "role")]]), Ok("r-by-BASE")),
            (places(&[&profile("role"), &keys]), Ok("ENV")),
            (places(&[&profile("self")]), Ok("self-by-SELF")),
            (places(&[&profile("chained")]), Ok("second-by-r-by-BASE")),
            (places(&[&profile("web"), &containers]), Ok("web-by-token")),
            (places(&[&profile("instance"), &instance]), Ok("r-by-INSTANCE")),
            (places(&[&profile("process"), &containers]), Ok("PROC")),
            (places(&[&profile("fails"), &containers]), Err(of("fails") + "credential_process: exit status 7")),
            (places(&[&profile("hollow")]), Err(of("hollow") + "it has no keys")),
            (places(&[&profile("mfa")]), Err(of("mfa") + "its role wants a code of an MFA device, which cannot be given here")),
            (places(&[&profile("environment")]), Err(of("environment") + "there are no keys in the environment")),
            (
                places(&[&profile("elsewhere")]),
                Err(of("elsewhere") + "credential_source is none of Environment, EcsContainer, Ec2InstanceMetadata"),
            ),
            (
                places(&[&profile("gone"), &containers]),
                Err(of("gone") + &format!("there is none in {config}, {none}")),
            ),
            (
                places(&[&profile("lost")]),
                Err(of("lost") + &of("nowhere") + &format!("there is none in {config}, {none}")),
            ),
            (
                places(&[&[("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://192.0.2.1/")], &instance]),
                Err("AWS credentials of the container: AWS_CONTAINER_CREDENTIALS_FULL_URI must be an https URL, or name this machine, \
                     169.254.170.2, 169.254.170.23 or [fd00:ec2::23]: 192.0.2.1 is none of these"
                    .to_owned()),
            ),
        ];
        let usual = [
            ("AWS_CONFIG_FILE", config.clone()),
            ("AWS_SHARED_CREDENTIALS_FILE", none.clone()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ];
        let find = async |environment: &[(&str, String)]| {
            let all: Vec<(&str, &str)> =
                environment.iter().chain(&usual).map(|(name, value)| (*name, value.as_str())).collect();
            Chain::new(&variables(&all)).credentials(&sts).await
        };
        for (environment, expected) in &cases {
            let found = find(environment).await.map(|found| found.access_key_id);
            assert_eq!(found, expected.clone().map(str::to_owned), "{environment:?}");
        }
        for (name, part) in [("loop", "more than 5 profiles lead to each other"), ("sso", "which is not supported")] {
            let error = find(&places(&[&profile(name)])).await.expect_err(name);
            assert!(error.contains(part), "{error}");
        }
        let nothing = find(&[]).await.expect_err("nothing is named");
        assert_eq!(
            nothing,
            format!(
                "no AWS credentials
  flags: no -aws-access-key-id
  environment: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not both set
  web identity: AWS_WEB_IDENTITY_TOKEN_FILE is not set
  shared files: no credentials for profile \"default\" in {config}, {none}
  container: neither AWS_CONTAINER_CREDENTIALS_RELATIVE_URI nor AWS_CONTAINER_CREDENTIALS_FULL_URI is set
  instance metadata: switched off by AWS_EC2_METADATA_DISABLED"
            )
        );
    }

    #[test]
    fn the_region_is_that_of_the_environment_else_of_the_profile() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), "[default]\nregion = a\n[profile x]\nregion = b\n").expect("written");
        let path = file.path().display().to_string();
        let cases: [(&Variables<'_>, Option<&str>); 5] = [
            (&[], Some("a")),
            (&[("AWS_PROFILE", "x")], Some("b")),
            (&[("AWS_PROFILE", "y")], None),
            (&[("AWS_DEFAULT_REGION", "c")], Some("c")),
            (&[("AWS_REGION", "d"), ("AWS_DEFAULT_REGION", "c"), ("AWS_PROFILE", "x")], Some("d")),
        ];
        for (environment, expected) in cases {
            let all: Vec<(&str, &str)> =
                environment.iter().copied().chain([("AWS_CONFIG_FILE", path.as_str())]).collect();
            assert_eq!(Chain::new(&variables(&all)).region().as_deref(), expected, "{environment:?}");
        }
    }
}
