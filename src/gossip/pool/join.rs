//! Joining: from texts to exchanges with everybody behind them (`spec/gossip.md` 3.11).

use super::address::{JoinAddress, display};
use super::stream::Streams;
use crate::gossip::serf::Layer;

/// Joins everybody behind one text; returns how many worked, and what went wrong with the others.
pub(super) async fn join_one(streams: &Streams, text: &str, default_port: u16) -> (usize, Vec<String>) {
    let unresolved = |error: String| {
        let text = format!("Failed to resolve {text}: {error}");
        streams.log.warn(Layer::Memberlist, format_args!("{text}"));
        (0, vec![text])
    };
    let address = match JoinAddress::parse(text, default_port) {
        Ok(address) => address,
        Err(error) => return unresolved(error),
    };
    let found = match address.resolve().await {
        Ok(found) => found,
        Err(error) => return unresolved(error),
    };
    let (mut joined, mut errors) = (0, Vec::new());
    for to in found {
        let name = address.name.clone();
        let dial = match streams.link.run(move |driver| driver.join_dial(to, name.as_deref())).await {
            Ok(dial) => dial,
            Err(error) => return (joined, vec![error.text]),
        };
        match streams.dial(dial).await {
            Ok(()) => joined += 1,
            Err(error) => {
                let text = format!("Failed to join {to}: {error}");
                let whom = display(address.name.as_deref(), to);
                streams.log.debug(Layer::Memberlist, format_args!("Failed to join {whom}: {error}"));
                errors.push(text);
            }
        }
    }
    (joined, errors)
}

/// Several errors as one text, in the form of the reference.
pub(super) fn list(errors: &[String]) -> String {
    let count = if errors.len() == 1 { "1 error".to_owned() } else { format!("{} errors", errors.len()) };
    let lines: String = errors.iter().map(|error| format!("\t* {error}\n")).collect();
    format!("{count} occurred:\n{lines}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_listed_under_their_number() {
        let errors = |texts: &[&str]| list(&texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
        assert_eq!(errors(&["a"]), "1 error occurred:\n\t* a\n\n");
        assert_eq!(errors(&["a", "b"]), "2 errors occurred:\n\t* a\n\t* b\n\n");
    }
}
