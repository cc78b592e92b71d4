//! The reference's archives, what is written here, and every way to refuse one.

use super::tar::{write_end, write_member};
use super::write::hex;
use super::*;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};
use std::io::{Read, Write};

fn vector(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/vectors/{name}", env!("CARGO_MANIFEST_DIR"))).expect("recorded bytes")
}

fn expected(name: &str) -> serde_json::Value {
    serde_json::from_slice(&vector(name)).expect("JSON beside the recorded bytes")
}

/// Members in order, then what follows the end of the tar.
fn archive(members: &[(&str, &[u8])], behind: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    for (name, bytes) in members {
        write_member(&mut gzip, name, bytes.len() as u64, 0, |out| out.write_all(bytes)).unwrap();
    }
    write_end(&mut gzip).unwrap();
    gzip.write_all(behind).unwrap();
    gzip.finish().unwrap()
}

fn sum_line(name: &str, bytes: &[u8]) -> String {
    format!("{}  {name}\n", hex(&Sha256::digest(bytes)))
}

const META: &[u8] = b"{\"Version\":1,\"ID\":\"2-9-1\",\"Index\":9,\"Term\":2,\"Peers\":null,\"Size\":3}\n";

fn good_sums() -> String {
    sum_line("meta.json", META) + &sum_line("state.bin", b"abc")
}

#[test]
fn archives_of_the_reference_are_read_and_counted() {
    for name in ["snapshot-acl", "snapshot-connect"] {
        let bytes = vector(&format!("{name}.snap"));
        let expected = expected(&format!("{name}.expected.json"));
        let mut state = Vec::new();
        let meta = read(&bytes[..], &mut state).unwrap();
        assert_eq!(serde_json::to_value(&meta).unwrap(), expected["meta"], "{name}");
        assert_eq!(hex(&Sha256::digest(&state)), expected["state_sha256"].as_str().unwrap());
        let addresses: Vec<_> = meta.configuration.servers.iter().map(|server| server.address.as_str()).collect();
        assert_eq!(Meta::encode_peers(&addresses), meta.peers);

        let found = inspect(&bytes[..], None).unwrap();
        assert_eq!(found.total_size, meta.size);
        let types = expected["totals_by_type"].as_object().unwrap();
        assert_eq!(found.types.len(), types.len());
        for stat in &found.types {
            let entry = &types[&stat.name];
            let bytes = entry.get("bytes_with_header").unwrap_or(&entry["bytes"]);
            assert_eq!(
                (stat.count, stat.sum),
                (entry["count"].as_u64().unwrap(), bytes.as_u64().unwrap()),
                "{}",
                stat.name
            );
        }
    }
}

#[test]
fn keys_are_grouped_by_their_first_parts() {
    let bytes = vector("snapshot-acl.snap");
    let rows = |depth, filter: &str| {
        let found = inspect(&bytes[..], Some(&KvOptions { depth, filter: filter.into() })).unwrap();
        let rows: Vec<_> = found.kv.unwrap().into_iter().map(|stat| (stat.name, stat.count, stat.sum)).collect();
        (rows, found.total_size_kv)
    };
    let (deep, total) = rows(2, "");
    assert_eq!(deep[0], ("app/lock".into(), 1, 119));
    assert_eq!(deep[7], ("txn/b".into(), 1, 73));
    assert_eq!((deep.len(), total), (8, 648));
    assert_eq!(rows(1, "app/"), (vec![("app".into(), 4, 354)], 354));
}

#[test]
fn what_is_written_here_reads_back_and_has_the_three_members_in_order() {
    let state: Vec<u8> = (0..200_000u32).flat_map(u32::to_le_bytes).collect();
    let meta = Meta {
        version: 1,
        id: "3-7-1".into(),
        index: 7,
        term: 3,
        peers: Meta::encode_peers(&["127.0.0.1:8300"]),
        size: measure(|out| out.write_all(&state)).unwrap(),
        ..Meta::default()
    };
    let bytes = write(Vec::new(), &meta, |out| out.write_all(&state)).unwrap();
    let mut back = Vec::new();
    assert_eq!(read(&bytes[..], &mut back).unwrap(), meta);
    assert!(back == state);
    let mut tar = super::tar::TarReader::new(super::tar::Gunzip::new(&bytes[..]).unwrap());
    let mut names = Vec::new();
    while let Some(member) = tar.next().unwrap() {
        names.push(member.name);
    }
    assert_eq!(names, ["meta.json", "state.bin", "SHA256SUMS"]);
    let mut streamed = Vec::new();
    State::open(&bytes[..]).unwrap().read_to_end(&mut streamed).unwrap();
    assert!(streamed == state);
}

#[test]
fn members_may_come_in_any_order() {
    let sums = good_sums();
    let bytes = archive(&[("SHA256SUMS", sums.as_bytes()), ("state.bin", b"abc"), ("meta.json", META)], b"");
    assert_eq!(verify(&bytes[..]).unwrap().index, 9);
}

#[test]
fn what_is_no_archive_is_refused_in_the_words_of_the_reference() {
    let sums = good_sums();
    let sums = sums.as_bytes();
    let good = archive(&[("meta.json", META), ("state.bin", b"abc"), ("SHA256SUMS", sums)], b"");
    let meta_line = sum_line("meta.json", META);
    let with_other = good_sums() + &sum_line("other", b"");
    let bad_version = b"{\"Version\":2,\"Size\":3}";
    let bad_size = b"{\"Version\":1,\"Size\":4}";
    let sums_for = |meta: &[u8]| sum_line("meta.json", meta) + &sum_line("state.bin", b"abc");
    let mut bad_crc = good.clone();
    let at = bad_crc.len() - 8;
    bad_crc[at] ^= 1;
    let integrity = "failed to read snapshot file: failed checking integrity of snapshot: ";
    let cases: Vec<(Vec<u8>, String)> = vec![
        (vec![], "failed to decompress snapshot: EOF".into()),
        (b"hi".to_vec(), "failed to decompress snapshot: unexpected EOF".into()),
        (b"this is no gzip stream".to_vec(), "failed to decompress snapshot: gzip: invalid header".into()),
        (good[..good.len() / 2].to_vec(), "failed to read snapshot file: failed reading snapshot: unexpected EOF".into()),
        (bad_crc, "gzip: invalid checksum".into()),
        (archive(&[("extra", b"x")], b""), "failed to read snapshot file: unexpected file \"extra\" in snapshot".into()),
        (
            archive(&[("meta.json", b"{")], b""),
            "failed to read snapshot file: failed to decode snapshot metadata: EOF while parsing an object at line 1 column 1"
                .into(),
        ),
        (
            archive(&[("meta.json", META), ("state.bin", b"abd"), ("SHA256SUMS", sums)], b""),
            format!("{integrity}hash check failed for \"state.bin\""),
        ),
        (
            archive(&[("meta.json", META), ("SHA256SUMS", sums)], b""),
            format!("{integrity}hash check failed for \"state.bin\""),
        ),
        (
            archive(&[("meta.json", META), ("state.bin", b"abc"), ("SHA256SUMS", meta_line.as_bytes())], b""),
            format!("{integrity}file missing for \"state.bin\""),
        ),
        (archive(&[("meta.json", META), ("state.bin", b"abc")], b""), format!("{integrity}file missing for \"meta.json\"")),
        (
            archive(&[("meta.json", META), ("state.bin", b"abc"), ("SHA256SUMS", with_other.as_bytes())], b""),
            format!("{integrity}list missing hash for \"other\""),
        ),
        (
            archive(&[("meta.json", META), ("state.bin", b"abc"), ("SHA256SUMS", sums)], b"12345"),
            "5 unread uncompressed bytes remain".into(),
        ),
        (
            archive(
                &[("meta.json", bad_version), ("state.bin", b"abc"), ("SHA256SUMS", sums_for(bad_version).as_bytes())],
                b"",
            ),
            "unsupported snapshot version 2".into(),
        ),
        (
            archive(&[("meta.json", bad_size), ("state.bin", b"abc"), ("SHA256SUMS", sums_for(bad_size).as_bytes())], b""),
            "failed to write snapshot, size didn't match (3 != 4)".into(),
        ),
    ];
    for (bytes, text) in cases {
        assert_eq!(verify(&bytes[..]).unwrap_err().to_string(), text);
        let streamed = State::open(&bytes[..]).map_err(|error| error.to_string()).and_then(|mut state| {
            let mut sink = Vec::new();
            state.read_to_end(&mut sink).map_err(|error| error.to_string())
        });
        assert_eq!(streamed.unwrap_err(), text, "as a stream");
    }
}

#[test]
fn a_broken_tar_is_refused() {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(&[7; 512]).unwrap();
    let bytes = gzip.finish().unwrap();
    assert_eq!(
        verify(&bytes[..]).unwrap_err().to_string(),
        "failed to read snapshot file: failed reading snapshot: archive/tar: invalid tar header"
    );
}

#[test]
fn no_flipped_byte_of_an_archive_goes_unnoticed() {
    let good = vector("snapshot-acl.snap");
    // the ten bytes of the gzip header hold a time and a system that nothing depends on
    for at in (10..good.len()).step_by(37) {
        let mut bad = good.clone();
        bad[at] ^= 0x10;
        assert!(verify(&bad[..]).is_err(), "byte {at}");
    }
}

#[test]
fn an_archive_that_unpacks_to_far_more_than_it_is_is_refused() {
    let zeros = vec![0; 1 << 20];
    let bomb = archive(&[("meta.json", META), ("state.bin", &zeros)], b"");
    let bounds = super::read::Bounds { free: 64 << 10, per_byte: 100 };
    let error = super::read::read_within(&bomb[..], std::io::sink(), bounds).unwrap_err().to_string();
    assert!(error.contains("bytes of the archive unpack to more than"), "{error}");
    let bounds = super::read::Bounds { free: 2 << 20, per_byte: 100 };
    let error = super::read::read_within(&bomb[..], std::io::sink(), bounds).unwrap_err().to_string();
    assert!(error.contains("file missing for"), "small ones may be what they like: {error}");
}

#[test]
fn small_members_stay_small_however_often_they_come() {
    let long = vec![b'\n'; 600 << 10];
    for members in [
        &[("SHA256SUMS", &long[..]), ("SHA256SUMS", &long[..])][..],
        &[("meta.json", &vec![b' '; (1 << 20) + 1][..])][..],
    ] {
        let error = verify(&archive(members, b"")[..]).unwrap_err().to_string();
        assert!(error.contains("longer than 1048576 bytes"), "{error}");
    }
}
