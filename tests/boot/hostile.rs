//! Hostile values in right places and in wrong ones.

use std::{
    io::{Read as _, Write as _},
    process::Stdio,
};

use base64::Engine as _;
use proptest::{prelude::*, strategy::ValueTree as _};
use remuda::boot;

use super::{flat, parse, render, report, text};

/// Every place where a value may stand, rightly quoted.
const RIGHT: &str = r#"#cloud-config
hostname: blog
users:
  - default
write_files:
  - path: /yaml
    content: {{ vars.v | yaml }}
  - { path: /flow, content: {{ vars.v | yaml }}, owner: root }
  - path: /json
    content: |
      {"value": {{ vars.v | json }}, "after": 1}
runcmd:
  - [printf, "%s", {{ vars.v | yaml }}]
final_message: the end
"#;

/// Places where quotes are not what the author thought, or are missing.
const WRONG: [&str; 14] = [
    "final_message: \"{{ vars.v | yaml }}\"",
    "final_message: '{{ vars.v | yaml }}'",
    "final_message: '{{ vars.v | sh }}'",
    "final_message: \"{{ vars.v | sh }}\"",
    "final_message: {{ vars.v | sh }}",
    "final_message: x {{ vars.v | sh }}",
    "final_message: x {{ vars.v | json }}",
    "# {{ vars.v | sh }}",
    "# {{ vars.v }}",
    "final_message: {{ vars.v }}",
    "{{ vars.v }}: x",
    "final_message: {a: \"{{ vars.v | yaml }}\"}",
    "runcmd:\n  - echo {{ vars.v | sh }}",
    "runcmd:\n  - |\n    echo \"{{ vars.v | sh }}\"\n    echo 'x'{{ vars.v | sh }}",
];

/// Text that has broken a quoting somewhere, and any other.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "'",
        "\"",
        "\\",
        "\n",
        "\r",
        "\n\n",
        ": ",
        " #",
        "{{",
        "}}",
        "{%",
        "$(",
        "`",
        "${",
        "\0",
        "\t",
        "\u{85}",
        "\u{2028}",
        "\u{2029}",
        "\u{feff}",
        "\u{fdd0}",
        "\u{fdd1}",
        "\u{7f}",
        "\u{1b}[0m",
        "🐎",
        "漢",
        "é",
        "\u{10ffff}",
        "- ",
        "? ",
        "!!python/object ",
        "&a ",
        "*a",
        "<<",
        "|",
        ">",
        "[",
        "]",
        "{",
        "}",
        ",",
        "\nruncmd: [evil]\n",
        "\u{85}runcmd: [evil]",
        "'; evil; '",
        "\" + evil + \"",
        "yes",
        "0644",
        "1.10",
        "~",
        "%",
        "@",
        "---\n",
        "...\n",
        "zq",
        "zqx1x",
        "#cloud-config",
        " ",
        "x",
    ]);
    prop_oneof![
        4 => prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat()),
        1 => any::<String>(),
    ]
}

/// Text that looks like a template, and now and then is not.
fn template() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "{{ ",
        " }}",
        "{% ",
        " %}",
        "{#",
        "#}",
        "{{ vars.v | yaml }}",
        "{{ vars.v | sh }}",
        "vars",
        ".v",
        "version",
        " | ",
        "yaml",
        "sh",
        "json",
        "upper",
        "truncate(length=1)",
        "nth(n=99)",
        "(",
        ")",
        "[",
        "]",
        "0",
        "-1",
        "99999999999999999999",
        "\"",
        "'",
        "if ",
        "else",
        "endif",
        "for k in vars",
        "endfor",
        "set x = ",
        "include \"a\"",
        "extends \"a\"",
        "block a",
        "endblock",
        "raw",
        "endraw",
        "filter upper",
        "endfilter",
        "~",
        "==",
        " and ",
        "not ",
        "is defined",
        "loop.index",
        "range(end=9)",
        "throw(message=\"x\")",
        "component a()",
        "<a/>",
        "{{-",
        "-}}",
        "{%-",
        "-%}",
        "é",
        "\n",
        ":",
        "- ",
        "a: ",
        ",",
        "..",
        "?",
        "*",
        "/ 0",
        "% 0",
        "[1:",
        "::-1]",
        "in",
        "hostname: ",
        "runcmd:\n",
    ]);
    prop::collection::vec(piece, 0..30)
        .prop_map(|pieces| format!("#cloud-config\n{}", pieces.concat()))
}

fn assert_right(value: &str) {
    let user_data = render(RIGHT, value).unwrap_or_else(|error| panic!("{}", report(&error)));
    let (mut got, mut expected) = (Vec::new(), Vec::new());
    flat(&parse(&text(&user_data)), "", &mut got);
    flat(&parse(&text(&render(RIGHT, "plain").unwrap())), "", &mut expected);
    assert_eq!(got.len(), expected.len());
    for ((path, got), (same, expected)) in got.iter().zip(&expected) {
        assert_eq!(path, same);
        match path.as_str() {
            "/write_files/0/content" | "/write_files/1/content" | "/runcmd/0/2" => {
                assert_eq!(got, value, "{path}");
            }
            "/write_files/2/content" => {
                let json: serde_json::Value = serde_json::from_str(got).unwrap();
                assert_eq!(json, serde_json::json!({ "value": value, "after": 1 }));
            }
            _ => assert_eq!(got, expected, "{path}"),
        }
    }
}

/// Values that were written for exactly one mistake of a template's author, and would be code.
#[test]
fn attacks_that_are_good_yaml_are_refused() {
    for (template, attack) in [
        ("final_message: {a: \"{{ vars.v | yaml }}\"}", ", evil: [1], z: "),
        ("final_message: [\"{{ vars.v | yaml }}\"]", ", evil, "),
        ("# {{ vars.v | sh }}", "x\nruncmd: [evil] #"),
        ("runcmd:\n  - |\n    printf %s {{ vars.v | sh }}", "x\nevil: 1 #"),
        ("runcmd:\n  - |\n    printf %s {{ vars.v | sh }}", "x\n  - evil #"),
        ("runcmd:\n  - |\n    printf %s {{ vars.v | sh }}", "x\u{85}evil: 1 #"),
        ("runcmd:\n  - |\n    printf %s {{ vars.v | sh }}", "x\u{2028}evil: 1 #"),
        ("runcmd:\n  - |\n    echo \"{{ vars.v | sh }}\"", "$(evil)"),
        ("runcmd:\n  - |\n    echo 'x{{ vars.v | sh }}'", ";evil;"),
        ("runcmd:\n  - |\n    echo \"$(echo \"{{ vars.v | sh }}\")\"", "$(evil)"),
        ("runcmd:\n  - |\n    cat <<E\n    {{ vars.v | sh }}\n    E", "$(evil)"),
        ("runcmd:\n  - echo {{ vars.v | sh }}", "x # y"),
        ("runcmd:\n  - echo {{ vars.v | sh }}", "x: y"),
        ("final_message: {{ vars.v | sh }}", "it's: [evil]"),
    ] {
        let template = format!("#cloud-config\nhostname: blog\n{template}\nlocale: en\n");
        let result = render(&template, attack);
        assert!(result.is_err(), "{}", text(&result.unwrap()));
    }
}

#[test]
fn sixty_four_kibibytes_and_every_kind_of_character_come_back() {
    let every: String =
        (0..=0x10_FFFF_u32).step_by(37).filter_map(char::from_u32).step_by(40).collect();
    for value in ["", "x", "\0", "{{ version }}", "{% raw %}", "' \" \\ \n : #", &every] {
        assert_right(value);
    }
    // Larger than what fits, three times: it is packed, and unpacks to the same.
    let value = "'$(evil)\": \n".repeat(6000);
    let user_data = render(RIGHT, &value).unwrap();
    assert!(user_data.packed && user_data.bytes().len() <= boot::MAX_BYTES);
    let unpacked = unpack(&text(&user_data));
    let mut flattened = Vec::new();
    flat(&parse(&unpacked), "", &mut flattened);
    let at = |path: &str| flattened.iter().find(|(at, _)| at == path).unwrap().1.clone();
    assert_eq!(at("/write_files/0/content"), value);
    assert_eq!(at("/runcmd/0/2"), value);
}

fn unpack(message: &str) -> String {
    let (_, part) = message.split_once("Content-Type: application/gzip\n").unwrap();
    let (_, body) = part.split_once("\n\n").unwrap();
    let (body, _) = body.split_once("\n--").unwrap();
    let gzip = base64::engine::general_purpose::STANDARD.decode(body.replace('\n', "")).unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(gzip.as_slice()).read_to_string(&mut text).unwrap();
    text
}

#[expect(clippy::disallowed_methods, reason = "only a shell can say what a shell reads")]
fn sh(script: &str) -> Vec<u8> {
    let mut child = std::process::Command::new("sh")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{script:?}");
    output.stdout
}

const SCRIPT: &str = "#cloud-config\nruncmd:\n  - |\n    # it's a script\n    printf %s {{ vars.v | sh }}\nfinal_message: the end\n";

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]
    #[test]
    fn any_value_comes_back_exactly_and_nothing_else_changes(value in hostile()) {
        assert_right(&value);
    }

    #[test]
    fn any_value_is_one_shell_word_or_refused(value in hostile()) {
        match render(SCRIPT, &value) {
            Ok(user_data) => {
                let tree = parse(&text(&user_data));
                prop_assert_eq!(tree.entries().len(), 4);
                let script = tree.get("runcmd").unwrap().items()[0].text().unwrap().to_owned();
                prop_assert_eq!(sh(&script), value.as_bytes());
            }
            Err(_) => prop_assert!(
                value.contains(|c: char| c.is_control() || ('\u{2028}'..='\u{2029}').contains(&c)
                    || c == '\u{feff}' || ('\u{fdd0}'..='\u{fdef}').contains(&c)
                    || u32::from(c) & 0xfffe == 0xfffe),
                "refused for no reason: {:?}", value
            ),
        }
    }

    #[test]
    fn no_template_makes_it_panic(template in template(), value in hostile()) {
        let _ = render(&template, &value);
    }

    /// However wrong the place: a refusal, or the document that the author wrote.
    #[test]
    fn no_value_makes_a_wrong_place_into_code(value in hostile(), at in 0..WRONG.len()) {
        let template = format!("#cloud-config\nhostname: blog\n{}\nlocale: en\n", WRONG[at]);
        if let Ok(user_data) = render(&template, &value) {
            let tree = parse(&text(&user_data));
            if !WRONG[at].starts_with("{{") {
                let (mut got, mut expected) = (Vec::new(), Vec::new());
                flat(&tree, "", &mut got);
                // A word in a place where YAML's own quotes are missing is refused for every value.
                if let Ok(plain) = render(&template, "plain") {
                    flat(&parse(&text(&plain)), "", &mut expected);
                    let paths = |flat: &[(String, String)]| -> Vec<String> {
                        flat.iter().map(|(path, _)| path.clone()).collect()
                    };
                    prop_assert_eq!(paths(&got), paths(&expected));
                }
            }
            if let Some(run) = tree.get("runcmd") {
                prop_assert_eq!(run.items().len(), 1);
                prop_assert!(run.items()[0].text().unwrap().contains(&value.replace('\'', r"'\''")));
            }
        }
    }
}

/// cloud-init reads with `PyYAML`, which is YAML 1.1; this asks it for a hundred hostile documents.
#[test]
#[expect(clippy::disallowed_methods, reason = "only PyYAML can say what PyYAML reads")]
fn pyyaml_reads_the_same() {
    let python = |script: &str, input: &str| -> Option<String> {
        let mut child = std::process::Command::new("python3")
            .args(["-c", script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        child.stdin.take()?.write_all(input.as_bytes()).ok()?;
        let output = child.wait_with_output().ok()?;
        output.status.success().then(|| String::from_utf8(output.stdout).ok()).flatten()
    };
    if python("import yaml", "").is_none() {
        eprintln!("not run: pyyaml_reads_the_same needs python3 with PyYAML");
        return;
    }
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut cases = Vec::new();
    for round in 0..150 {
        let value = hostile().new_tree(&mut runner).unwrap().current();
        let wrong = |at: usize| format!("#cloud-config\nhostname: blog\n{}\n", WRONG[at]);
        for template in [RIGHT.to_owned(), SCRIPT.to_owned(), wrong(round % WRONG.len())] {
            if let Ok(user_data) = render(&template, &value) {
                let text = text(&user_data);
                let (mut flattened, tree) = (Vec::new(), parse(&text));
                flat(&tree, "", &mut flattened);
                cases.push((text, flattened));
            }
        }
    }
    assert!(cases.len() > 120, "too few documents were rendered: {}", cases.len());
    let script = r"
import sys, json, yaml
def flat(node, path, out):
    if isinstance(node, dict):
        for key, value in node.items(): flat(value, path + '/' + str(key), out)
    elif isinstance(node, list):
        for at, item in enumerate(node): flat(item, path + '/' + str(at), out)
    else: out.append([path, 'true' if node is True else str(node)])
result = []
for text in json.load(sys.stdin):
    out = []
    try: flat(yaml.safe_load(text), '', out)
    except yaml.YAMLError as error: out.append(['refused', str(error)])
    result.append(out)
sys.stdout.write(json.dumps(result))
";
    let texts: Vec<&String> = cases.iter().map(|(text, _)| text).collect();
    let answer = python(script, &serde_json::to_string(&texts).unwrap());
    let answer: Vec<Vec<(String, String)>> =
        serde_json::from_str(&answer.unwrap_or_else(|| panic!("PyYAML refused a document")))
            .unwrap();
    for ((text, expected), got) in cases.iter().zip(&answer) {
        assert_eq!(got, expected, "{text}");
    }
}
