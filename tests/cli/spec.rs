//! The first spec, and the commands that judge it; none of them needs an account.

use crate::world::Folder;

#[test]
fn init_writes_a_spec_that_is_valid() {
    let folder = Folder::new();
    folder.write(".gitignore", "/node_modules");
    let done = folder.remuda(&["init", "--region", "fra1", "-o", "json"]).ended(0).json();
    assert_eq!((&done["app"], &done["region"]), (&"blog".into(), &"fra1".into()));
    assert_eq!(folder.read(".gitignore"), "/node_modules\n/.remuda\n");
    assert!(!folder.read("droplets.yaml").contains('@'));
    assert!(folder.read(".github/workflows/release.yml").contains("tags: [\"v*\"]"));
    let valid = folder.remuda(&["config", "validate"]).ended(0);
    assert_eq!(valid.out, "blog/production is valid (droplets.yaml)\n");
    let shown = folder.remuda(&["config", "show", "-o", "json"]).ended(0).json();
    assert_eq!(shown["droplet"]["region"], "fra1");
    assert_eq!(shown["limits"]["create"], "300s");
}

#[test]
fn init_overwrites_only_when_it_is_told_to() {
    let folder = Folder::new();
    folder.write("docker-compose.yml", "services: {}\n");
    folder.write("cloud-init/docker-host.yaml", "#cloud-config\nhostname: mine\n");
    drop(folder.remuda(&["init", "--app", "shop"]).ended(0));
    assert_eq!(folder.read("cloud-init/docker-host.yaml"), "#cloud-config\nhostname: mine\n");
    assert!(folder.read("droplets.yaml").contains("files: [docker-compose.yml]"));
    assert!(!folder.path().join("compose.yaml").exists());

    folder.write("droplets.yaml", "mine");
    drop(folder.remuda(&["init"]).ended(2).says("--force"));
    assert_eq!(folder.read("droplets.yaml"), "mine");
    drop(folder.remuda(&["init", "--force"]).ended(0));
    assert!(folder.read("cloud-init/docker-host.yaml").contains("docker.io"));
    assert_eq!(folder.read("docker-compose.yml"), "services: {}\n");
    assert_eq!(folder.read(".gitignore"), "/.remuda\n");
    for args in [["--app", "No/Name"], ["--region", "nyc3\n"], ["--app", ""]] {
        let args = ["init", "--force", args[0], args[1]];
        drop(folder.remuda(&args).ended(2).says("lower-case letters"));
    }
}

#[test]
fn an_unknown_key_is_named_with_the_nearest_one() {
    let folder = Folder::initialised();
    let wrong = folder.read("droplets.yaml").replace("  region:", "  regoin:");
    folder.write("droplets.yaml", &wrong);
    for args in [&["config", "validate"][..], &["release", "v1"], &["history"]] {
        let did = folder.remuda(args).ended(2);
        drop(did.says("droplets.yaml:").says("regoin").says("did you mean `region`?"));
    }
}

#[test]
fn without_a_spec_init_is_named() {
    let folder = Folder::new();
    drop(folder.remuda(&["status"]).ended(2).says("remuda init"));
}

#[test]
fn the_schema_is_one_and_the_spec_is_of_it() {
    let folder = Folder::initialised();
    let schema = folder.remuda(&["config", "schema"]).ended(0).json();
    let shown = folder.remuda(&["config", "show", "-o", "json"]).ended(0).json();
    let judge = jsonschema::validator_for(&schema).unwrap();
    assert!(judge.is_valid(&shown));
    assert!(!judge.is_valid(&serde_json::json!({ "version": 1, "app": "blog", "regoin": "x" })));
}
