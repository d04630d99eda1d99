//! Who may depend on whom: the arrows of ARCHITECTURE.md, held as a table.
//!
//! What a crate cannot link it cannot read: the servers stay blind, `crypto`
//! stays pure and `store` stays off the network because of these edges, not
//! because of discipline. The graph comes from `cargo metadata`
//! and `Cargo.lock`, so the table judges what is built and not what is meant.
//! Calls inside a crate (one door out, one mouth) are clippy's to guard.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Each workspace package, and the workspace packages it may depend on.
/// Development edges count: a test must not teach a server to read either.
const ALLOWED: &[(&str, &[&str])] = &[
    ("solo2-crypto", &[]),
    ("solo2-store", &["solo2-crypto"]),
    ("solo2-export", &["solo2-crypto", "solo2-store"]),
    ("solo2-server", &[]),
    ("solo2-signal", &["solo2-server"]),
    ("solo2-relay", &["solo2-server"]),
    (
        "solo2",
        &[
            "solo2-crypto",
            "solo2-store",
            "solo2-export",
            "solo2-signal",
            "solo2-relay",
        ],
    ),
];

/// Packages that may never be reached, directly or through others, from the
/// one on the left. Development dependencies are not followed.
const NEVER_REACHED: &[(&str, &[&str])] = &[
    ("solo2-crypto", RUNTIMES),
    ("solo2-crypto", FILES),
    ("solo2-crypto", CLOCKS),
    ("solo2-store", RUNTIMES),
    ("solo2-store", NETWORK),
    ("solo2-export", RUNTIMES),
    ("solo2-export", NETWORK),
    (
        "solo2-signal",
        &["solo2-crypto", "solo2-store", "solo2-export", "fjall"],
    ),
    (
        "solo2-relay",
        &["solo2-crypto", "solo2-store", "solo2-export", "fjall"],
    ),
];
const RUNTIMES: &[&str] = &[
    "async-io",
    "async-std",
    "mio",
    "polling",
    "smol",
    "socket2",
    "tokio",
];
const FILES: &[&str] = &[
    "fjall", "fs-err", "lsm-tree", "memmap2", "rustix", "tempfile", "walkdir",
];
const CLOCKS: &[&str] = &["chrono", "instant", "jiff", "quanta", "time", "web-time"];
const NETWORK: &[&str] = &[
    "axum",
    "hyper",
    "if-addrs",
    "quinn",
    "quinn-udp",
    "reqwest",
    "rustls",
    "tokio-tungstenite",
    "tungstenite",
    "ureq",
];

/// Packages that may not be in `Cargo.lock` at all: one TLS stack, one provider.
const NEVER_LOCKED: &[&str] = &[
    "aws-lc-rs",
    "aws-lc-sys",
    "native-tls",
    "openssl",
    "openssl-sys",
];

type Edges = BTreeMap<String, BTreeSet<String>>;

#[test]
fn workspace_packages_depend_only_on_whom_the_table_allows() {
    let metadata = cargo_metadata(&["--no-deps"]);
    let complaints = forbidden_edges(&workspace_edges(&metadata), ALLOWED);
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn no_package_reaches_what_it_must_not_know() {
    let metadata = cargo_metadata(&["--filter-platform", &host()]);
    let edges = linked_edges(&metadata);
    for (package, _) in ALLOWED {
        assert!(
            edges.contains_key(*package),
            "{package} is not in the graph"
        );
    }
    let complaints = forbidden_reach(&edges, NEVER_REACHED);
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn client_knows_the_signal_servers_code_in_its_demo_only() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![source];
    let mut uses = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a source folder") {
            let path = entry.expect("a directory entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if fs::read_to_string(&path)
                .is_ok_and(|text| text.contains("solo2_signal::server"))
            {
                uses.push(path);
            }
        }
    }
    // The demo runs a whole server; tests of the client and of the node run against one.
    uses.retain(|path| !path.ends_with("tests.rs"));
    assert!(
        matches!(uses.as_slice(), [only] if only.ends_with("cli/demo.rs")),
        "the server's code is used in {uses:?}"
    );
}

#[test]
fn one_tls_provider_and_no_openssl() {
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).expect("Cargo.lock is committed");
    let locked = locked_packages(&lock);
    assert!(locked.contains("rustls") && locked.contains("ring"));
    for package in NEVER_LOCKED {
        assert!(!locked.contains(package), "{package} is in Cargo.lock");
    }
}

#[test]
fn a_wrong_edge_is_reported() {
    let blind_server_reads = serde_json::json!({ "packages": [
        { "name": "solo2-signal", "dependencies": [{ "name": "solo2-crypto", "kind": "dev" }] },
        { "name": "solo2-crypto", "dependencies": [{ "name": "tokio", "kind": null }] },
        { "name": "solo2-new", "dependencies": [] },
    ]});
    assert_eq!(
        forbidden_edges(&workspace_edges(&blind_server_reads), ALLOWED),
        [
            "solo2-new has no row in tests/layering.rs",
            "solo2-signal may not depend on solo2-crypto",
            "solo2 is in tests/layering.rs and not in the workspace",
            "solo2-export is in tests/layering.rs and not in the workspace",
            "solo2-relay is in tests/layering.rs and not in the workspace",
            "solo2-server is in tests/layering.rs and not in the workspace",
            "solo2-store is in tests/layering.rs and not in the workspace",
        ]
    );
}

#[test]
fn a_wrong_reach_is_reported_with_its_path() {
    let edges: Edges = [
        ("solo2-crypto", "hpke"),
        ("hpke", "helper"),
        ("helper", "tokio"),
    ]
    .map(|(from, to)| (from.to_owned(), BTreeSet::from([to.to_owned()])))
    .into();
    assert_eq!(
        forbidden_reach(&edges, NEVER_REACHED),
        ["solo2-crypto must not reach tokio: solo2-crypto > hpke > helper > tokio"]
    );
}

#[test]
fn a_second_tls_provider_is_found_in_a_lock_file() {
    let lock = "[[package]]\nname = \"aws-lc-rs\"\nversion = \"1.0.0\"\n";
    assert!(locked_packages(lock).contains("aws-lc-rs"));
}

/// Edges between workspace packages that the table does not hold, packages
/// without a row, and rows without a package.
fn forbidden_edges(edges: &Edges, table: &[(&str, &[&str])]) -> Vec<String> {
    let rows: BTreeMap<&str, &[&str]> = table.iter().copied().collect();
    let mut complaints = Vec::new();
    for (package, dependencies) in edges {
        let Some(allowed) = rows.get(package.as_str()) else {
            complaints.push(format!("{package} has no row in tests/layering.rs"));
            continue;
        };
        for dependency in dependencies {
            if !allowed.contains(&dependency.as_str()) {
                complaints.push(format!("{package} may not depend on {dependency}"));
            }
        }
    }
    for package in rows.keys().filter(|package| !edges.contains_key(**package)) {
        complaints.push(format!(
            "{package} is in tests/layering.rs and not in the workspace"
        ));
    }
    complaints
}

/// One complaint, with the shortest path, for each forbidden package that is reached.
fn forbidden_reach(edges: &Edges, table: &[(&str, &[&str])]) -> Vec<String> {
    let mut complaints = Vec::new();
    for (from, forbidden) in table {
        let paths = shortest_paths(edges, from);
        for package in *forbidden {
            if let Some(path) = paths.get(*package) {
                let path = path.join(" > ");
                complaints.push(format!("{from} must not reach {package}: {path}"));
            }
        }
    }
    complaints
}

fn shortest_paths<'a>(edges: &'a Edges, from: &'a str) -> BTreeMap<&'a str, Vec<&'a str>> {
    let mut paths = BTreeMap::from([(from, vec![from])]);
    let mut frontier = vec![from];
    while !frontier.is_empty() {
        let mut next = Vec::new();
        for package in frontier {
            for dependency in edges.get(package).into_iter().flatten() {
                if !paths.contains_key(dependency.as_str()) {
                    let mut path = paths[package].clone();
                    path.push(dependency);
                    paths.insert(dependency, path);
                    next.push(dependency.as_str());
                }
            }
        }
        frontier = next;
    }
    paths
}

/// What the manifests of the workspace say about each other, every kind of dependency.
fn workspace_edges(metadata: &Value) -> Edges {
    let names: BTreeSet<&str> = array(metadata, "packages").iter().map(name).collect();
    array(metadata, "packages")
        .iter()
        .map(|package| {
            let dependencies = array(package, "dependencies")
                .iter()
                .map(name)
                .filter(|dependency| names.contains(dependency))
                .map(str::to_owned)
                .collect();
            (name(package).to_owned(), dependencies)
        })
        .collect()
}

/// What is linked into what, by name, after features are resolved; development
/// dependencies left out.
fn linked_edges(metadata: &Value) -> Edges {
    let names: BTreeMap<&str, &str> = array(metadata, "packages")
        .iter()
        .map(|package| (text(package, "id"), name(package)))
        .collect();
    let mut edges = Edges::new();
    for node in array(&metadata["resolve"], "nodes") {
        let linked = array(node, "deps").iter().filter(|dependency| {
            array(dependency, "dep_kinds")
                .iter()
                .any(|kind| kind["kind"] != "dev")
        });
        edges
            .entry(names[text(node, "id")].to_owned())
            .or_default()
            .extend(linked.map(|dependency| names[text(dependency, "pkg")].to_owned()));
    }
    edges
}

fn locked_packages(lock: &str) -> BTreeSet<&str> {
    lock.lines()
        .filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'))
        .collect()
}

fn name(value: &Value) -> &str {
    text(value, "name")
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key]
        .as_str()
        .expect("cargo metadata, format version 1")
}

fn array<'a>(value: &'a Value, key: &str) -> &'a Vec<Value> {
    value[key]
        .as_array()
        .expect("cargo metadata, format version 1")
}

fn cargo_metadata(options: &[&str]) -> Value {
    let fixed = ["metadata", "--format-version", "1", "--locked", "--offline"];
    serde_json::from_str(&cargo(&[&fixed, options].concat())).expect("cargo metadata prints JSON")
}

/// The platform this test runs on: only its packages are sure to be downloaded.
fn host() -> String {
    let version = run(Command::new("rustc").arg("-vV"));
    version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .expect("rustc -vV names its host")
        .to_owned()
}

fn cargo(arguments: &[&str]) -> String {
    run(Command::new(env!("CARGO"))
        .args(arguments)
        .current_dir(root()))
}

fn run(command: &mut Command) -> String {
    let output = command
        .output()
        .expect("the toolchain that built this test runs");
    let problem = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {problem}");
    String::from_utf8(output.stdout).expect("cargo speaks UTF-8")
}

/// The workspace: the test is a target of the package `solo2`, one level down.
fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}
