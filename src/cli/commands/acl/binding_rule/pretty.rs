//! Binding rules as text.

use super::super::pretty::Page;
use crate::client::acl::BindingRule;

fn rest(page: &mut Page, rule: &BindingRule, indent: &str, meta: bool) {
    page.field("AuthMethod", &rule.auth_method);
    page.field("Description", &rule.description);
    page.field("BindType", &rule.bind_type);
    page.field("BindName", &rule.bind_name);
    if let Some(variables) = rule.bind_vars.as_ref().filter(|variables| !variables.name.is_empty()) {
        page.field("BindVars", " ");
        page.raw(&format!("{indent}     - Name: {}\n", variables.name));
    }
    page.field("Selector", &rule.selector);
    if meta {
        page.meta(None, rule.create_index, rule.modify_index);
    }
}

/// One binding rule.
pub(super) fn rule(rule: &BindingRule, meta: bool) -> String {
    let mut page = Page::new(0, 14);
    page.field("ID", &rule.id);
    rest(&mut page, rule, "", meta);
    page.done()
}

/// All binding rules under their ids.
pub(super) fn rules(rules: &[BindingRule], meta: bool) -> String {
    let mut page = Page::new(3, 14);
    for rule in rules {
        page.raw(&format!("{}:\n", rule.id));
        rest(&mut page, rule, "   ", meta);
    }
    page.done()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_shows_its_variables_when_it_has_any() {
        let text = r#"{"ID":"i","Description":"q","AuthMethod":"j1","Selector":"value.user==bob","BindType":"templated-policy",
            "BindName":"builtin/service","BindVars":{"Name":"api"},"CreateIndex":21,"ModifyIndex":22}"#;
        let one: BindingRule = serde_json::from_str(text).expect("a rule");
        let expected = "ID:           i\nAuthMethod:   j1\nDescription:  q\nBindType:     templated-policy\n\
                        BindName:     builtin/service\nBindVars:      \n     - Name: api\nSelector:     value.user==bob\n\
                        Create Index: 21\nModify Index: 22\n";
        assert_eq!(rule(&one, true), expected);
        let bare = BindingRule { bind_vars: None, ..one };
        let expected = "i:\n   AuthMethod:   j1\n   Description:  q\n   BindType:     templated-policy\n   \
                        BindName:     builtin/service\n   Selector:     value.user==bob\n";
        assert_eq!(rules(&[bare], false), expected);
    }
}
