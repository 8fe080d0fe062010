//! The spec as its callers use it: files on disk in, a spec or a report out.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{fs, path::Path};

use proptest::prelude::*;
use remuda::{
    error::{Error, Kind},
    spec::{self, Load, Loaded, Span},
};
use tempfile::TempDir;

const GOOD: &str = "\
version: 1
app: blog
droplet: { region: nyc3, size: s-1vcpu-1gb, image: debian-13-x64, cloud_init: host.yaml }
cutover: { reserved_ip: 203.0.113.10 }
";

fn folder(files: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join(".git")).unwrap();
    fs::write(dir.path().join("host.yaml"), "#cloud-config\n").unwrap();
    for (name, text) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

fn load(dir: &Path, env: Option<&str>) -> Result<Loaded, Error> {
    spec::load(Load { config: None, env: env.map(Into::into), start: dir.into(), home: None })
}

fn report(error: &Error) -> String {
    format!("{}\n{}\n", error.what(), error.block().unwrap_or_default())
}

/// Loads a good spec with `more` behind it and returns what is wrong with it.
fn wrong(more: &str) -> String {
    let dir = folder(&[("droplets.yaml", &format!("{GOOD}{more}"))]);
    match load(dir.path(), None) {
        Ok(_) => "nothing".to_owned(),
        Err(error) => {
            assert_eq!(error.kind(), Kind::Usage);
            report(&error)
        }
    }
}

#[test]
fn the_demo_s_own_spec_loads() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let loaded = load(root, None).unwrap_or_else(|error| panic!("{}", report(&error)));
    assert_eq!((loaded.spec.app.as_str(), loaded.env.as_str()), ("hello", "production"));
    assert_eq!((loaded.spec.ssh.user.as_str(), loaded.spec.ssh.port), ("deploy", 2222));
    assert_eq!(loaded.spec.cutover.dns[0].fqdn(), "hello.example.com");
    assert_eq!(loaded.digest().len(), 12);
}

#[test]
fn everything_wrong_is_said_at_once() {
    let dir = folder(&[(
        "droplets.yaml",
        "\
version: 2
app: Blog
droplet:
  regin: nyc3
  size: [s-1vcpu-1gb]
  image: debian-13-x64
  cloud_init: nowhere.yaml
  tags: [\"remuda:x\"]
  volumes: []
health:
  - { http: \"ftp://x/\", tcp: 80 }
  - { http: \"http://x/{{ vesion }}\", within: soon }
cutover: { watch: 2m }
secrets: {}
x-mine: 1
",
    )]);
    let error = load(dir.path(), None).unwrap_err();
    assert_eq!(error.kind(), Kind::Usage);
    insta::assert_snapshot!(report(&error));
}

#[test]
fn each_rule_has_its_finding() {
    let rules = [
        ("retain: { previous: -1 }", "a whole number between 0 and 4294967295"),
        ("retain: { previous: 1.5 }", "a whole number"),
        ("retain: { for: 7 days }", "not a duration"),
        ("ssh: { port: 0 }", "a port is 1 or more"),
        ("ssh: { port: 70000 }", "between 0 and 65535"),
        ("ssh: { user: \"a b\" }", "not a user's name"),
        ("ssh: []", "`ssh` is a list, expected a mapping"),
        ("health: { http: \"http://x/\" }", "`health` is a mapping, expected a list"),
        ("health: [{ within: 9s }]", "needs one of `http`, `tcp` and `run`"),
        ("health: [{ run: [x] }]", "`run` is a list, expected text"),
        ("health: [{ tcp: 80, run: \"true\" }]", "either `tcp` or `run`"),
        ("health: [{ tcp: 80, status: 200 }]", "`status` means nothing without `http`"),
        ("health: [{ http: blog.example.com }]", "not a URL"),
        ("health: [{ http: \"http://u:p@x/\" }]", "a URL with a password"),
        ("health: [{ http: \"http://x/\", status: 99 }]", "between 100 and 599"),
        ("health: [{ http: \"http://x/\", header: { \"A b\": c } }]", "cannot name a header"),
        ("health: [{ http: \"http://x/\", header: { A: \"b\\nc\" } }]", "one line of text"),
        ("health: [{ http: \"http://x/\", consecutive: 0 }]", "at least once"),
        ("health: [{ http: \"http://x/\", within: 0s }]", "`within` leaves no time"),
        ("health: [~]", "expected a value"),
        ("health: [http]", "expected a mapping"),
        ("limits: { boot: 0s }", "`boot` leaves no time"),
        ("stack: { files: [../x] }", "leaves the spec's folder"),
        ("stack: { files: [/etc/passwd] }", "leaves the spec's folder"),
        ("stack: { files: [nowhere] }", "no such file: nowhere"),
        ("stack: { commands: { up: \"run {{ nmae }}\" } }", "unknown variable `nmae`"),
        ("stack: { commands: { down: x } }", "`commands` lacks `up`"),
        ("stack: { compose: x }", "not in this version"),
        ("stack: { commands: { up: \" \" } }", "an empty text"),
        ("hooks: { before_start: [\"x {{ y }}\"] }", "unknown variable `y`"),
        ("hooks: { before_start: x }", "write [x]"),
        ("environments: { Production: {} }", "cannot name an environment"),
        ("environments: { staging: { droplet: { sise: x } } }", "did you mean `size`?"),
        ("environments: { staging: { jobs: [] } }", "not in this version"),
        ("environments: []", "expected a mapping"),
        ("app: other", "`app` is given twice"),
        ("limts: {}", "did you mean `limits`?"),
        ("zzz: {}", "known here: version, app"),
        ("ssh: !include x", "a YAML tag"),
        ("ssh: *x", "not YAML"),
        ("? [a]\n: b", "a key that is not text"),
        ("---\na: b", "a second YAML document"),
    ];
    for (more, expected) in rules {
        let report = wrong(more);
        assert!(report.contains(expected), "{more}: expected {expected}, got {report}");
        assert!(report.contains("--> droplets.yaml:"), "{more} has no place: {report}");
    }
    assert_eq!(wrong("x-mine: !!str 1\nhealth: [{ tcp: 80, x-why: because }]"), "nothing");
    assert_eq!(wrong("ssh:\nretain: ~"), "nothing");
}

#[test]
fn the_cutover_s_rules() {
    let cutovers = [
        ("{ reserved_ip: 2001:db8::1 }", "not a reserved IPv4 address"),
        ("{ reserved_ip: x }", "not a reserved IPv4 address"),
        ("{ dns: [{ domain: example.com, name: a, ttl: 29 }] }", "30 or more"),
        ("{ dns: [{ domain: com, name: a }] }", "not a domain"),
        ("{ dns: [{ domain: example.com, name: \"a b\" }] }", "not a name in a domain"),
        (
            "{ dns: [{ domain: example.com, name: a }, { domain: example.com, name: A }] }",
            "a.example.com is given twice",
        ),
        ("{ reserved_ip: 203.0.113.9, watch: 10s, max_downtime: 11s }", "longer than the watch"),
        ("{ reserved_ip: 203.0.113.9, probe: \"x y\" }", "not a URL"),
        ("{}", "nothing to move"),
    ];
    for (cutover, expected) in cutovers {
        let spec = GOOD.replace("{ reserved_ip: 203.0.113.10 }", cutover);
        let dir = folder(&[("droplets.yaml", &spec)]);
        let report = report(&load(dir.path(), None).unwrap_err());
        assert!(report.contains(expected), "{cutover}: expected {expected}, got {report}");
    }
}

#[test]
fn overlays_merge_in_order_and_findings_point_into_their_file() {
    let base = format!(
        "{GOOD}retain: {{ previous: 3 }}\nenvironments:\n  staging:\n    droplet: {{ size: s-2vcpu-2gb, tags: [a] }}\n    retain: ~\n"
    );
    let over = "droplet: { tags: [b, c], ipv6: true }\ncutover: { watch: 5s }\n";
    let dir = folder(&[("droplets.yaml", &base), ("droplets.staging.yaml", over)]);
    let loaded = load(dir.path(), Some("staging")).unwrap();
    let droplet = &loaded.spec.droplet;
    assert_eq!((droplet.size.as_str(), droplet.region.as_str()), ("s-2vcpu-2gb", "nyc3"));
    assert_eq!(droplet.tags, ["b", "c"]);
    assert!(droplet.ipv6);
    assert_eq!(loaded.spec.retain.previous, 1, "`null` removes, and the default is back");
    assert_eq!(loaded.spec.cutover.watch, Span(std::time::Duration::from_secs(5)));
    assert_eq!(loaded.files.len(), 2);
    let again: serde_json::Value = serde_saphyr::from_str(&loaded.merged).unwrap();
    assert_eq!(again["droplet"]["tags"][1], "c");
    assert!(again.get("environments").is_none());
    let production = load(dir.path(), None).unwrap();
    assert_eq!(production.spec.retain.previous, 3);
    assert_ne!(production.digest(), loaded.digest());

    fs::write(
        dir.path().join("droplets.staging.yaml"),
        "retain: { previus: 1 }\nssh: { port: 0 }\n",
    )
    .unwrap();
    let error = load(dir.path(), Some("staging")).unwrap_err();
    insta::assert_snapshot!(report(&error), @"
    2 problems in droplets.yaml
    error: unknown key `previus`
     --> droplets.staging.yaml:1:11
      |
    1 | retain: { previus: 1 }
      |           ^^^^^^^
      |
      = help: did you mean `previous`?

    error: a port is 1 or more
     --> droplets.staging.yaml:2:14
      |
    2 | ssh: { port: 0 }
      |              ^
    ");
}

#[test]
fn an_unknown_environment_names_the_nearest() {
    let base = format!("{GOOD}environments: {{ staging: {{}} }}\n");
    let dir = folder(&[("droplets.yaml", &base), ("droplets.review.yaml", "{}\n")]);
    let error = load(dir.path(), Some("stagign")).unwrap_err();
    assert_eq!(error.kind(), Kind::Usage);
    assert_eq!(
        error.hints(),
        ["known environments: staging, review, production", "did you mean -e staging?"]
    );
    for env in ["production", "staging", "review"] {
        assert_eq!(load(dir.path(), Some(env)).unwrap().env, env);
    }
    assert!(load(dir.path(), Some("../x")).is_err());
    let plain = folder(&[("droplets.yaml", GOOD)]);
    assert_eq!(load(plain.path(), Some("anything")).unwrap().env, "anything");
}

#[test]
fn the_file_is_found_above_but_not_beyond_the_repository() {
    let dir = folder(&[("droplets.yaml", GOOD), ("a/b/.keep", ""), ("inner/.git/x", "")]);
    assert_eq!(load(&dir.path().join("a/b"), None).unwrap().dir, dir.path());
    let error = load(&dir.path().join("inner"), None).unwrap_err();
    assert!(error.what().contains("no droplets.yaml"), "{error}");
    let named = Load {
        config: Some("../droplets.yaml".into()),
        env: None,
        start: dir.path().join("a"),
        home: None,
    };
    assert_eq!(spec::load(named).unwrap().spec.app, "blog");
}

#[test]
fn a_template_s_problem_is_the_spec_s_too() {
    for (template, expected) in [
        ("#cloud-config\nx: {{ vesion }}\n", "--> host.yaml:2:7"),
        ("#cloud-config\nx: {{ version | safe }}\n", "not available here"),
        ("#cloud-config\nx: {{ version | nope }}\n", "nope"),
        ("#cloud-config\nx: {% if %}\n", "--> host.yaml:2"),
        ("#cloud-config\nx: {{ vars.motd }}\n", "--> host.yaml:2:4"),
    ] {
        let spec = GOOD.replace("host.yaml }", "host.yaml, vars: { motd: 'a: b' } }");
        let dir = folder(&[("droplets.yaml", &spec), ("host.yaml", template)]);
        let report = report(&load(dir.path(), None).unwrap_err());
        assert!(report.contains(expected), "{template}: expected {expected}, got {report}");
    }
}

#[test]
fn the_digest_follows_what_makes_a_droplet() {
    let digest = |spec: &str, template: &str| {
        let dir = folder(&[("droplets.yaml", spec), ("host.yaml", template)]);
        load(dir.path(), None).unwrap().digest()
    };
    let first = digest(GOOD, "#cloud-config\n");
    assert_eq!(first, digest(&format!("# a comment\n{GOOD}retain: {{}}\n"), "#cloud-config\n"));
    assert_ne!(first, digest(&GOOD.replace("1gb", "2gb"), "#cloud-config\n"));
    assert_ne!(first, digest(GOOD, "#cloud-config\npackages: [git]\n"));
}

#[test]
fn bombs_and_pits_are_refused_in_no_time() {
    let mut bomb = String::from("x-a: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let below = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb.push_str(
            &["x-", &level.to_string(), ": &a", &level.to_string(), " [", &below, "]\n"].concat(),
        );
    }
    let text = format!("x-a: &a {}\nx-b: [{}]\n", "y".repeat(900_000), "*a, ".repeat(20_000));
    let mut chain = String::from("x-0: &a0 []\n");
    for level in 1..200 {
        let line = format!("x-{level}: &a{level} [*a{}]\n", level - 1);
        chain.push_str(&line);
    }
    for (name, pit) in [
        ("aliases", bomb),
        ("long aliases", text),
        ("a chain of aliases", chain),
        ("depth", "[".repeat(10_000)),
        ("blocks", (0..5000).map(|n| [&" ".repeat(n), "a:\n"].concat()).take(700).collect()),
        ("values", "- x\n".repeat(100_000)),
        ("itself", "a: &a [*a]\n".to_owned()),
        ("size", "#".repeat((1 << 20) + 1)),
        ("not UTF-8", String::new()),
    ] {
        let bytes = if name == "not UTF-8" { b"a: \xff".to_vec() } else { pit.into_bytes() };
        let error = spec::parse(&bytes, "production").unwrap_err();
        assert_eq!(error.kind(), Kind::Usage, "{name}");
    }
}

#[test]
fn the_schema_is_the_committed_one_and_accepts_the_demo() {
    let schema = spec::schema();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/droplets.schema.json");
    let fresh = format!("{}\n", serde_json::to_string_pretty(&schema).unwrap());
    if std::env::var_os("REMUDA_BLESS").is_some() {
        fs::write(&path, &fresh).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == fresh, "run this test with REMUDA_BLESS=1 and commit {}", path.display());
    let validator = jsonschema::validator_for(&schema).unwrap();
    let yaml = |text: &str| -> serde_json::Value { serde_saphyr::from_str(text).unwrap() };
    let demo = include_str!("../droplets.yaml");
    assert!(validator.is_valid(&yaml(demo)));
    let with = |more: &str| yaml(&format!("{demo}\n{more}\n"));
    assert!(
        validator.is_valid(&with("environments: { staging: { droplet: { size: x, tags: ~ } } }"))
    );
    assert!(validator.is_valid(&with("x-mine: 1")));
    assert!(!validator.is_valid(&with("environments: { staging: { droplet: { sise: x } } }")));
    assert!(!validator.is_valid(&with("limts: {}")));
}

/// Text that looks like a spec, and now and then is not.
fn yamlish() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "version",
        "app",
        "droplet",
        "region",
        "health",
        "http",
        "cutover",
        "dns",
        "environments",
        "staging",
        "x-a",
        "<<",
        "nyc3",
        "1",
        "30s",
        "~",
        "true",
        "{{ version }}",
        "{{",
        "\"",
        "'",
        "&a",
        "*a",
        "!t",
        "- ",
        ": ",
        ":\n  ",
        "\n",
        "\n  - ",
        "[",
        "]",
        "{",
        "}",
        ", ",
        "|\n  ",
        "#",
        "é",
        "\t",
        "%",
        "---\n",
    ]);
    prop::collection::vec(word, 0..60).prop_map(|words| words.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = spec::parse(&bytes, "production");
    }

    #[test]
    fn no_yaml_makes_it_panic(text in yamlish(), more in yamlish()) {
        let _ = spec::parse(text.as_bytes(), "staging");
        let _ = spec::parse(format!("{GOOD}{more}").as_bytes(), "staging");
    }

    /// Every finding shows a line of the file that it names.
    #[test]
    fn every_snippet_is_a_line_of_the_file(more in yamlish()) {
        let text = format!("{GOOD}{more}");
        if let Err(error) = spec::parse(text.as_bytes(), "staging") {
            prop_assert!(!error.block().unwrap_or_default().is_empty());
        }
    }
}
