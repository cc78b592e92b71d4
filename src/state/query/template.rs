//! Templates: one definition that answers for all names with its prefix (`spec/semantics.md` 17.4).

use super::expression::{Scope, Text};
use crate::filter::go_regex;
use crate::types::PreparedQuery;
use crate::types::prepared_query::ServiceQuery;
use regex::Regex;

/// The only type there is.
const NAME_PREFIX_MATCH: &str = "name_prefix_match";

/// A definition whose texts are parsed.
#[derive(Clone, Debug)]
pub struct Template {
    regexp: Option<Regex>,
    /// The texts in the order of [`visit`].
    texts: Vec<Text>,
}

/// Names and groups of one lookup.
struct Lookup<'a> {
    prefix: &'a str,
    full: &'a str,
    segment: &'a str,
    groups: Vec<String>,
}

impl Scope for Lookup<'_> {
    fn variable(&self, name: &str) -> Option<String> {
        let value = match name {
            "name.full" => self.full,
            "name.prefix" => self.prefix,
            "name.suffix" => self.full.strip_prefix(self.prefix).unwrap_or(self.full),
            "agent.segment" => self.segment,
            _ => return None,
        };
        Some(value.to_owned())
    }

    fn group(&self, number: i64) -> String {
        usize::try_from(number).ok().and_then(|number| self.groups.get(number)).cloned().unwrap_or_default()
    }
}

impl Template {
    /// Parses the texts of a template and tries them on its own name.
    ///
    /// # Errors
    /// `Bad Template.Type ...`, `Bad Regexp: ...`, `Bad format ...`, `Bad evaluation ...`.
    pub fn compile(query: &PreparedQuery) -> Result<Template, String> {
        if query.template.kind != NAME_PREFIX_MATCH {
            return Err(format!("Bad Template.Type '{}'", query.template.kind));
        }
        let mut texts = Vec::new();
        visit(&mut query.service.clone(), &mut |path, text| {
            let parsed = Text::parse(text).map_err(|why| format!("Bad format '{text}' in Service{path}: {why}"))?;
            texts.push(parsed);
            Ok(())
        })?;
        let regexp = match query.template.regexp.as_str() {
            "" => None,
            pattern => Some(go_regex::compile(pattern).map_err(|why| format!("Bad Regexp: {why}"))?),
        };
        let template = Template { regexp, texts };
        template.render(query, &query.name, "")?;
        Ok(template)
    }

    /// The definition for a name; `segment` is that of the asking agent.
    ///
    /// # Errors
    /// `Bad evaluation ...`.
    pub fn render(&self, query: &PreparedQuery, name: &str, segment: &str) -> Result<PreparedQuery, String> {
        let captures = self.regexp.as_ref().and_then(|regexp| regexp.captures(name));
        let group = |group: Option<regex::Match<'_>>| group.map_or_else(String::new, |group| group.as_str().to_owned());
        let groups = captures.map(|captures| captures.iter().map(group).collect()).unwrap_or_default();
        let lookup = Lookup { prefix: &query.name, full: name, segment, groups };
        let mut rendered = query.clone();
        let mut texts = self.texts.iter();
        visit(&mut rendered.service, &mut |path, text| {
            let parsed = texts.next().expect("a definition has the texts it was parsed from");
            let value = parsed.render(&lookup);
            *text = value.map_err(|why| format!("Bad evaluation for '{text}' in Service{path}: {why}"))?;
            Ok(())
        })?;
        if rendered.template.remove_empty_tags
            && let Some(tags) = &mut rendered.service.tags
        {
            tags.retain(|tag| !tag.is_empty());
        }
        Ok(rendered)
    }
}

/// What is done with one text: its place in the definition, and the text.
type Visitor<'a> = dyn FnMut(&str, &mut String) -> Result<(), String> + 'a;

/// Shows every text of a definition that may hold expressions, always in the same order.
fn visit(service: &mut ServiceQuery, seen: &mut Visitor<'_>) -> Result<(), String> {
    seen(".Service", &mut service.service)?;
    seen(".SamenessGroup", &mut service.sameness_group)?;
    visit_list(".Failover.Datacenters", service.failover.datacenters.as_deref_mut(), seen)?;
    for (at, target) in service.failover.targets.iter_mut().flatten().enumerate() {
        seen(&format!(".Failover.Targets[{at}].Peer"), &mut target.peer)?;
        seen(&format!(".Failover.Targets[{at}].Datacenter"), &mut target.datacenter)?;
    }
    visit_list(".IgnoreCheckIDs", service.ignore_check_ids.as_deref_mut(), seen)?;
    seen(".Near", &mut service.near)?;
    visit_list(".Tags", service.tags.as_deref_mut(), seen)?;
    for (name, map) in [(".NodeMeta", &mut service.node_meta), (".ServiceMeta", &mut service.service_meta)] {
        for (key, value) in map.iter_mut().flatten() {
            seen(&format!("{name}[{key}]"), value)?;
        }
    }
    seen(".Peer", &mut service.peer)
}

fn visit_list(path: &str, texts: Option<&mut [String]>, seen: &mut Visitor<'_>) -> Result<(), String> {
    let mut texts = texts.into_iter().flatten().enumerate();
    texts.try_for_each(|(at, text)| seen(&format!("{path}[{at}]"), text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::prepared_query::QueryTemplate;
    use std::collections::BTreeMap;

    fn query(name: &str, service: &str, regexp: &str) -> PreparedQuery {
        let template = QueryTemplate { kind: NAME_PREFIX_MATCH.into(), regexp: regexp.into(), remove_empty_tags: true };
        let service = ServiceQuery { service: service.into(), ..ServiceQuery::default() };
        PreparedQuery { name: name.into(), template, service, ..PreparedQuery::default() }
    }

    #[test]
    fn every_text_of_the_service_is_rendered() {
        let mut definition = query("geo-", "${name.suffix}", r"^geo-(.*)-([^-]+)$");
        let list = |texts: &[&str]| Some(texts.iter().map(|text| (*text).to_owned()).collect());
        definition.service.tags = list(&["${match(2)}", "${match(9)}", "x"]);
        definition.service.failover.datacenters = list(&["dc-${match(1)}"]);
        definition.service.node_meta = Some(BTreeMap::from([("${name.full}".to_owned(), "${name.prefix}".to_owned())]));
        let rendered =
            Template::compile(&definition).expect("valid").render(&definition, "geo-db-eu", "").expect("renders");
        assert_eq!(rendered.service.service, "db-eu");
        assert_eq!(rendered.service.tags, list(&["eu", "x"]));
        assert_eq!(rendered.service.failover.datacenters, list(&["dc-db"]));
        assert_eq!(rendered.service.node_meta.expect("kept")["${name.full}"], "geo-");
        assert_eq!(rendered.name, "geo-");
    }

    #[test]
    fn the_prefix_is_cut_only_when_the_letters_are_the_same() {
        let definition = query("T-", "${name.suffix}", "");
        let template = Template::compile(&definition).expect("valid");
        let service = |name| template.render(&definition, name, "").expect("renders").service.service;
        assert_eq!((service("T-foo").as_str(), service("t-Foo").as_str()), ("foo", "t-Foo"));
    }

    #[test]
    fn a_template_that_does_not_work_on_its_own_name_is_refused() {
        let refusal = |query: &PreparedQuery| Template::compile(query).map(drop).expect_err("refused");
        let mut other = query("t", "a", "");
        other.template.kind = "foo".into();
        assert_eq!(refusal(&other), "Bad Template.Type 'foo'");
        assert_eq!(refusal(&query("t", "a", "(")), "Bad Regexp: error parsing regexp: missing closing ): `(`");
        assert_eq!(refusal(&query("t", "${", "")), "Bad format '${' in Service.Service: parse error: syntax error");
        assert_eq!(
            refusal(&query("t", "${foo}", "")),
            "Bad evaluation for '${foo}' in Service.Service: 1:3: unknown variable accessed: foo"
        );
        let mut tagged = query("t", "a", "");
        tagged.service.tags = Some(vec!["x".into(), "${foo(1)}".into()]);
        assert_eq!(
            refusal(&tagged),
            "Bad evaluation for '${foo(1)}' in Service.Tags[1]: 1:3: unknown function called: foo"
        );
    }
}
