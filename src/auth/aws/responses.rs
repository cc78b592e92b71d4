//! What STS and IAM answer: XML, of which a few elements are read.

use roxmltree::{Document, Node};
use std::collections::BTreeMap;

/// The answer to `sts:GetCallerIdentity`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CallerIdentity {
    pub(super) arn: String,
    pub(super) user_id: String,
    pub(super) account: String,
}

/// The answer to `iam:GetRole` or `iam:GetUser`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entity {
    pub(super) arn: String,
    pub(super) id: String,
    pub(super) name: String,
    pub(super) path: String,
    pub(super) tags: BTreeMap<String, String>,
}

fn child<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    node.children().find(|child| child.tag_name().name() == name)
}

fn text(node: Node<'_, '_>, name: &str) -> Option<String> {
    Some(child(node, name)?.text().unwrap_or_default().trim().to_owned())
}

/// A document whose root has this name.
fn document(bytes: &[u8]) -> Result<Document<'_>, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
    Document::parse(text).map_err(|error| error.to_string())
}

impl CallerIdentity {
    /// Reads the answer.
    ///
    /// # Errors
    /// It is another document.
    pub(super) fn parse(bytes: &[u8]) -> Result<CallerIdentity, String> {
        let document = document(bytes)?;
        let root = document.root_element();
        let result = Some(root)
            .filter(|root| root.tag_name().name() == "GetCallerIdentityResponse")
            .and_then(|root| child(root, "GetCallerIdentityResult"));
        let found = result.and_then(|result| {
            Some(CallerIdentity {
                arn: text(result, "Arn")?,
                user_id: text(result, "UserId")?,
                account: text(result, "Account")?,
            })
        });
        found.ok_or_else(|| "it is no GetCallerIdentityResponse".to_owned())
    }

    /// Id of the role or user; that of a session has the session's name behind it.
    pub(super) fn entity_id(&self) -> &str {
        self.user_id.split(':').next().unwrap_or_default()
    }
}

impl Entity {
    /// Reads the answer.
    ///
    /// # Errors
    /// It is another document.
    pub(super) fn parse(bytes: &[u8]) -> Result<Entity, String> {
        let document = document(bytes)?;
        let root = document.root_element();
        let found = ["Role", "User"].into_iter().find_map(|kind| {
            let right = root.tag_name().name() == format!("Get{kind}Response");
            let entity = child(child(Some(root).filter(|_| right)?, &format!("Get{kind}Result"))?, kind)?;
            let tags = child(entity, "Tags").into_iter().flat_map(|tags| tags.children());
            let tags = tags.filter_map(|tag| Some((text(tag, "Key")?, text(tag, "Value")?)));
            Some(Entity {
                arn: text(entity, "Arn")?,
                id: text(entity, &format!("{kind}Id"))?,
                name: text(entity, &format!("{kind}Name"))?,
                path: text(entity, "Path")?,
                tags: tags.collect(),
            })
        });
        found.ok_or_else(|| "it is neither a GetRoleResponse nor a GetUserResponse".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_and_others_refused() {
        let xml = br#"<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
            <Arn>arn:aws:sts::1:assumed-role/r/s</Arn><UserId>AROA:s</UserId><Account>1</Account></GetCallerIdentityResult>
            <ResponseMetadata><RequestId>x</RequestId></ResponseMetadata></GetCallerIdentityResponse>"#;
        let caller = CallerIdentity::parse(xml).expect("an identity");
        assert_eq!((caller.arn.as_str(), caller.entity_id()), ("arn:aws:sts::1:assumed-role/r/s", "AROA"));
        let xml = b"<GetRoleResponse><GetRoleResult><Role><Path>/p/</Path><Arn>arn:aws:iam::1:role/p/r</Arn>
            <RoleId>AROA</RoleId><RoleName>r</RoleName><Tags><member><Key>team</Key><Value>a</Value></member></Tags>
            </Role></GetRoleResult></GetRoleResponse>";
        let entity = Entity::parse(xml).expect("a role");
        assert_eq!((entity.name.as_str(), entity.path.as_str(), entity.tags["team"].as_str()), ("r", "/p/", "a"));
        for bad in
            [&b""[..], b"<a/>", b"\xff", b"<GetCallerIdentityResponse/>", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"]
        {
            assert!(CallerIdentity::parse(bad).is_err() && Entity::parse(bad).is_err());
        }
    }
}
