use super::*;
use std::os::unix::fs::PermissionsExt;

const SHORT: [u8; 16] = [1; 16];
const MIDDLE: [u8; 24] = [2; 24];
const LONG: [u8; 32] = [3; 32];

#[test]
fn keys_are_installed_used_and_removed() {
    let ring = Keyring::new(&[SHORT]).expect("a ring");
    ring.install(&MIDDLE).expect("a new key");
    ring.install(&LONG).expect("a new key");
    ring.install(&LONG).expect("the same key again");
    assert_eq!(ring.keys(), [&SHORT[..], &MIDDLE, &LONG]);

    ring.use_key(&LONG).expect("an installed key");
    assert_eq!(ring.primary(), LONG);
    assert_eq!(ring.keys(), [&LONG[..], &SHORT, &MIDDLE]);

    ring.remove(&SHORT).expect("a key not in use");
    ring.remove(&SHORT).expect("an absent key");
    assert_eq!(ring.keys(), [&LONG[..], &MIDDLE]);
}

#[test]
fn refusals_speak_the_words_of_the_reference() {
    let ring = Keyring::new(&[SHORT]).expect("a ring");
    let cases = [
        (ring.install(&[0; 17]), "key size must be 16, 24 or 32 bytes"),
        (ring.use_key(&LONG), "Requested key is not in the keyring"),
        (ring.remove(&SHORT), "Removing the primary key is not allowed"),
    ];
    for (result, text) in cases {
        assert_eq!(result.expect_err(text).to_string(), text);
    }
    assert_eq!(ring.keys(), [SHORT]);
    assert!(Keyring::new::<Vec<u8>>(&[]).is_err(), "a ring without keys");
    assert_eq!(decode_key("c2hvcnQ="), Err(Error::KeySize));
    assert!(matches!(decode_key("%"), Err(Error::Malformed(_))));
}

#[test]
fn files_have_both_looks_of_the_reference() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("serf/local.keyring");
    assert_eq!(create_file(&path, &SHORT), Ok(true));
    assert_eq!(std::fs::read_to_string(&path).expect("written"), r#"["AQEBAQEBAQEBAQEBAQEBAQ=="]"#);
    assert_eq!(create_file(&path, &LONG), Ok(false), "an existing file wins");

    let ring = Keyring::load(&path).expect("our own file");
    ring.install(&MIDDLE).expect("a key");
    ring.save(&path).expect("a writable directory");
    let text = "[\n  \"AQEBAQEBAQEBAQEBAQEBAQ==\",\n  \"AgICAgICAgICAgICAgICAgICAgICAgIC\"\n]";
    assert_eq!(std::fs::read_to_string(&path).expect("written"), text);
    assert_eq!(Keyring::load(&path).expect("our own file").keys(), ring.keys());
    assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::metadata(path.parent().expect("one")).expect("there").permissions().mode() & 0o777, 0o700);
}

#[test]
fn a_broken_file_is_reported_with_its_path() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("local.keyring");
    for content in ["", "{}", "[1]", "[]", r#"["AQ=="]"#, &format!("[\"{}\"]", "A".repeat(70_000))] {
        std::fs::write(&path, content).expect("a writable directory");
        let text = Keyring::load(&path).expect_err("no ring").to_string();
        assert!(text.contains(&*path.to_string_lossy()), "{text}");
    }
    assert!(matches!(Keyring::load(&directory.path().join("none")), Err(Error::File(_))));
}
