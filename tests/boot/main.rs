//! User-data as a droplet gets it: no value becomes code, whatever it holds and wherever a template
//! puts it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod hostile;

use std::{
    fs,
    path::Path,
    sync::{LazyLock, Mutex},
};

use remuda::{
    boot::{self, Birth, HostKey, UserData},
    error::{Error, Kind},
    secret::ExposeSecret as _,
    spec::{
        self, Load, Loaded,
        source::Source,
        tree::{self, Node},
    },
};

fn loaded(template: &str, value: &str) -> Loaded {
    static BASE: LazyLock<Mutex<Loaded>> = LazyLock::new(|| {
        let dir = tempfile::tempdir().unwrap();
        let spec = "version: 1\napp: blog\ndroplet: { region: nyc3, size: s-1vcpu-1gb, image: debian-13-x64, cloud_init: host.yaml }\ncutover: { reserved_ip: 203.0.113.10 }\n";
        fs::write(dir.path().join("droplets.yaml"), spec).unwrap();
        fs::write(dir.path().join("host.yaml"), "#cloud-config\n").unwrap();
        let start = dir.path().to_path_buf();
        Mutex::new(spec::load(Load { config: None, env: None, start, home: None }).unwrap())
    });
    let mut loaded = BASE.lock().unwrap().clone();
    loaded.template = Source::new("host.yaml", template);
    loaded.spec.droplet.vars.insert("v".into(), value.into());
    loaded
}

fn render(template: &str, value: &str) -> Result<UserData, Error> {
    static KEY: LazyLock<HostKey> = LazyLock::new(|| HostKey::generate().unwrap());
    let (version, name) = ("v1.2.3", "blog-production-v1-ab12");
    let birth = Birth { version, name, host_key: &KEY, authorized_keys: &[] };
    boot::render(&loaded(template, value), &birth)
}

fn text(user_data: &UserData) -> String {
    user_data.text().expose_secret().to_owned()
}

fn report(error: &Error) -> String {
    format!("{error}\n{}\n{}", error.block().unwrap_or_default(), error.hints().join("\n"))
}

fn parse(text: &str) -> Node {
    let (node, findings) = tree::parse(&Source::new("user-data", text));
    assert_eq!(findings, []);
    node.unwrap()
}

/// Returns the document as one line per scalar, `path = text`.
fn flat(node: &Node, path: &str, out: &mut Vec<(String, String)>) {
    match &node.kind {
        tree::Kind::Scalar { text, .. } => out.push((path.to_owned(), text.to_string())),
        tree::Kind::List(items) => {
            for (at, item) in items.iter().enumerate() {
                flat(item, &format!("{path}/{at}"), out);
            }
        }
        tree::Kind::Map(entries) => {
            for entry in entries {
                flat(&entry.value, &format!("{path}/{}", entry.key), out);
            }
        }
    }
}

#[test]
fn what_does_not_fit_is_refused_with_both_sizes() {
    // Noise that no packing makes smaller.
    let mut state = 1_u64;
    let noise: String = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        char::from(b'!' + u8::try_from(state >> 58).unwrap())
    })
    .take(150_000)
    .collect();
    let error = render("#cloud-config\nfinal_message: {{ vars.v | yaml }}\n", &noise).unwrap_err();
    assert_eq!(error.kind(), Kind::Usage);
    assert!(error.what().contains("packed") && error.what().contains("64.0 KiB"), "{error}");
    let umlauts = format!("#cloud-config\nfinal_message: |\n{}", "  ä\n".repeat(20_000));
    let error = render(&umlauts, "").unwrap_err();
    assert!(error.what().contains("ASCII: line 3"), "{error}");
}

#[test]
fn a_missing_filter_names_the_variable_and_the_filters() {
    let error = render("#cloud-config\nfinal_message: {{ vars.v }}\n", "a: b").unwrap_err();
    let report = report(&error);
    for part in ["`vars.v`", "host.yaml:2:16", "{{ vars.v | yaml }}", "| sh", "| json"] {
        assert!(report.contains(part), "{part}: {report}");
    }
    assert!(!report.contains("a: b"), "a value may be nobody's business");
    assert!(render("#cloud-config\nfinal_message: x {{ vars.v }}\n", "a-b.c").is_ok());
}

#[test]
fn a_bare_value_that_yaml_reads_otherwise_is_refused() {
    for value in ["1.10", "yes", "0644", "2026-11-21", "null", "1e3", "a:"] {
        let error = render("#cloud-config\nfinal_message: {{ vars.v }}\n", value).unwrap_err();
        assert!(report(&error).contains("`vars.v`"), "{value}: {error}");
    }
    for value in ["1.2.3", "v1.10", "1001", "203.0.113.10"] {
        assert!(
            render("#cloud-config\nlocale: x-{{ vars.v }}\nfinal_message: {{ vars.v }}\n", value)
                .is_ok()
        );
    }
}

#[test]
fn quoting_cannot_be_undone_by_what_comes_after_it() {
    for expression in [
        "vars.v | yaml | safe",
        "vars.v | safe",
        "vars.v | escape",
        "vars.v | escape_html",
        "vars.v | newlines_to_br",
        "vars.v | yaml | upper",
        "vars.v | sh | replace(from=\"'\", to=\"\")",
        "vars.v | sh | trim",
        "(vars.v | sh)[1:]",
        "(vars.v | sh) ~ \"x\"",
        "vars.v | yaml | sh",
        "vars.v | yaml | yaml",
        "vars.v | sh | json",
        "vars.v | split(pat=\"x\") | join(sep=vars.v | yaml)",
        "vars",
    ] {
        let template = format!("#cloud-config\nfinal_message: {{{{ {expression} }}}}\n");
        for value in ["$(evil)", "x\nruncmd: [evil]\n", "a'b"] {
            // A filter that finds nothing to change in the token is as good as a refusal.
            if let Ok(user_data) = render(&template, value) {
                let tree = parse(&text(&user_data));
                assert_eq!(tree.get("final_message").unwrap().text(), Some(value), "{expression}");
                assert_eq!(tree.entries().len(), 3, "{expression}");
            }
        }
    }
    // What happens before the quoting is the template's business.
    let shout = "#cloud-config\nfinal_message: {{ vars.v | upper | yaml }}\n";
    assert!(text(&render(shout, "a: b").unwrap()).contains("\"A: B\""));
}

#[test]
fn what_is_not_cloud_config_is_refused() {
    for (template, expected) in [
        ("packages: []\n", "begins with the line `#cloud-config`"),
        ("#!/bin/sh\necho\n", "begins with"),
        ("#cloud-config\n- x\n", "cloud-config is a mapping"),
        ("#cloud-config\n", "cloud-config is a mapping"),
        ("#cloud-config\nssh_keys: {}\n", "`ssh_keys` is remuda's"),
        ("#cloud-config\nssh_deletekeys: false\n", "must be true"),
        ("#cloud-config\nwrite_files: [{ content: x }]\n", "needs a `path`"),
        ("#cloud-config\nwrite_files: [{ path: x }]\n", "begins with /"),
        (
            "#cloud-config\nwrite_files: [{ path: /x, permissions: 0644 }]\n",
            "`permissions` is text",
        ),
        ("#cloud-config\nruncmd: echo\n", "`runcmd` is a list"),
        ("#cloud-config\nruncmd:\n  - echo a: b\n", "this is a mapping"),
        ("#cloud-config\nusers: [{ shell: /bin/sh }]\n", "a user needs a `name`"),
        ("#cloud-config\na: 1\na: 2\n", "`a` is given twice"),
        ("#cloud-config\n{ hostname: x }\n", "cannot be added"),
        ("#cloud-config\nhostname: x\n...\n", "cannot be added"),
    ] {
        let error = render(template, "").unwrap_err();
        assert_eq!(error.kind(), Kind::Usage);
        assert!(report(&error).contains(expected), "{template}: {}", report(&error));
    }
    let strange = render("#cloud-config\nrun_cmd: []\n", "").unwrap();
    assert_eq!(strange.warnings, ["cloud-init knows no key `run_cmd`; did you mean `runcmd`?"]);
}

#[test]
fn the_demo_s_own_template_renders() {
    let start = Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf();
    let loaded = spec::load(Load { config: None, env: None, start, home: None }).unwrap();
    let key = HostKey::generate().unwrap();
    let operator = HostKey::generate().unwrap().public_line().unwrap();
    let authorized_keys = [format!("{operator} ops@example.com")];
    let (version, name) = ("v1.2.3", "hello-production-v1-ab12");
    let birth = Birth { version, name, host_key: &key, authorized_keys: &authorized_keys };
    let user_data = boot::render(&loaded, &birth).unwrap();
    assert_eq!(user_data.warnings, Vec::<String>::new());
    assert!(!format!("{user_data:?}").contains("PRIVATE"));
    let tree = parse(&text(&user_data));
    let deploy = &tree.get("users").unwrap().items()[0];
    let keys = deploy.get("ssh_authorized_keys").unwrap().items();
    assert_eq!(keys[0].text(), Some(authorized_keys[0].as_str()));
    let private = tree.get("ssh_keys").and_then(|keys| keys.get("ed25519_private")).unwrap();
    assert_eq!(private.text().unwrap(), key.private().expose_secret());
    assert_eq!(boot::check(&loaded).unwrap(), Vec::<String>::new());
    let nobody = boot::render(&loaded, &Birth { authorized_keys: &[], ..birth }).unwrap();
    assert_eq!(nobody.warnings.len(), 1, "{:?}", nobody.warnings);
    let bad = ["not a key".to_owned()];
    assert!(boot::render(&loaded, &Birth { authorized_keys: &bad, ..birth }).is_err());
}
