"""Drives the simulator with DigitalOcean's own clients and two that others wrote.

    python tests/clients/drive.py URL TOKEN

Exits with 0 when every check held, with 1 otherwise; each failure is named. The simulator must
run with latencies off and with `--rate-limit off`, and its account must be empty.
"""

import os
import sys
import time
import traceback
from urllib.parse import urlparse

URL, TOKEN = sys.argv[1].rstrip("/"), sys.argv[2]
os.environ["DIGITALOCEAN_END_POINT"] = URL + "/v2/"

KEY_A = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA2Kx2l9HtIAXc3Fh0zZ1Pm5m0X0E5s3rWq1r5w2hXxQ a@example"
KEY_B = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB2Kx2l9HtIAXc3Fh0zZ1Pm5m0X0E5s3rWq1r5w2hXxR b@example"
KEY_C = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIC2Kx2l9HtIAXc3Fh0zZ1Pm5m0X0E5s3rWq1r5w2hXxS c@example"

failures = []
checks = 0


def check(what, holds, seen=None):
    global checks
    checks += 1
    if not holds:
        failures.append(what)
        print(f"FAILED {what}: {seen!r}", file=sys.stderr)


def equal(what, seen, wanted):
    check(what, seen == wanted, {"seen": seen, "wanted": wanted})


def until(what, look, patience=15):
    end = time.monotonic() + patience
    while time.monotonic() < end:
        seen = look()
        if seen:
            return seen
        time.sleep(0.05)
    check(what, False, "waited in vain")
    return None


def part(name):
    def wrap(run):
        try:
            run()
            print(f"ok {name}")
        except Exception:
            failures.append(name)
            print(f"FAILED {name}", file=sys.stderr)
            traceback.print_exc()

    return wrap


def pydo_client():
    import pydo
    from azure.core.pipeline.policies import HeadersPolicy

    # its own policy refuses to send a token over plain HTTP, even to loopback
    policy = HeadersPolicy(base_headers={"Authorization": f"Bearer {TOKEN}"})
    return pydo.Client(token=TOKEN, endpoint=URL, authentication_policy=policy)


def clean(client):
    for droplet in client.droplets.list(per_page=200)["droplets"]:
        client.droplets.destroy(droplet_id=droplet["id"])


@part("pydo: account, catalogue, keys")
def _():
    client = pydo_client()
    account = client.account.get()["account"]
    equal("account status", account["status"], "active")
    check("13 regions", len(client.regions.list(per_page=200)["regions"]) >= 13)
    sizes = client.sizes.list(per_page=200)["sizes"]
    check("20 sizes", len(sizes) >= 20, len(sizes))
    prices = {size["slug"]: size["price_monthly"] for size in sizes}
    equal("price", prices["s-1vcpu-2gb"], 12)
    images = client.images.list(type="distribution", per_page=200)["images"]
    slugs = {image["slug"] for image in images}
    check("images", {"debian-13-x64", "ubuntu-24-04-x64"} <= slugs, slugs)
    equal("image by slug", client.images.get("debian-13-x64")["image"]["slug"], "debian-13-x64")
    key = client.ssh_keys.create(body={"name": "a", "public_key": KEY_A})["ssh_key"]
    equal("key by fingerprint", client.ssh_keys.get(key["fingerprint"])["ssh_key"]["id"], key["id"])
    equal("renamed", client.ssh_keys.update(key["id"], body={"name": "b"})["ssh_key"]["name"], "b")
    try:
        client.ssh_keys.create(body={"name": "a", "public_key": KEY_A})
        check("a key twice is refused", False)
    except Exception as error:
        equal("a key twice is refused", error.status_code, 422)
    client.ssh_keys.delete(key["id"])
    # it hands documented refusals back as if they were answers
    equal("a deleted key is gone", client.ssh_keys.get(key["id"])["id"], "not_found")


@part("pydo: droplets, actions, tags")
def _():
    client = pydo_client()
    made = client.droplets.create(
        body={
            "names": ["web-1", "web-2", "web-3"],
            "region": "nyc3",
            "size": "s-1vcpu-1gb",
            "image": "ubuntu-24-04-x64",
            "ipv6": True,
            "tags": ["web"],
            "user_data": "#cloud-config\n",
        }
    )
    ids = [droplet["id"] for droplet in made["droplets"]]
    equal("three are made", len(ids), 3)
    equal("new at first", {droplet["status"] for droplet in made["droplets"]}, {"new"})
    check("no address at first", all(not one["networks"]["v4"] for one in made["droplets"]))
    for action in made["links"]["actions"]:
        equal("rel", action["rel"], "create")
        until("created", lambda: client.actions.get(action["id"])["action"]["status"] == "completed")
    droplet = client.droplets.get(ids[0])["droplet"]
    equal("active", droplet["status"], "active")
    kinds = sorted(net["type"] for net in droplet["networks"]["v4"])
    equal("networks", kinds, ["private", "public"])
    equal("an IPv6 address", len(droplet["networks"]["v6"]), 1)
    listed = client.droplets.list(tag_name="web", per_page=2)
    equal("total", listed["meta"]["total"], 3)
    equal("a page", len(listed["droplets"]), 2)
    check("next", listed["links"]["pages"]["next"].startswith(URL), listed["links"])
    equal("second page", len(client.droplets.list(tag_name="web", per_page=2, page=2)["droplets"]), 1)
    equal("by name", [one["id"] for one in client.droplets.list(name="WEB-2")["droplets"]], [ids[1]])

    def act(body):
        action = client.droplet_actions.post(ids[0], body=body)["action"]
        equal("in progress at first", action["status"], "in-progress")
        done = until(
            body["type"],
            lambda: client.droplet_actions.get(ids[0], action["id"])["action"]["status"] == "completed",
        )
        return done

    for kind in ["power_on", "shutdown", "shutdown", "power_on", "reboot", "power_cycle"]:
        act({"type": kind})
    act({"type": "rename", "name": "web-0"})
    act({"type": "snapshot", "name": "before"})
    equal("renamed", client.droplets.get(ids[0])["droplet"]["name"], "web-0")
    snapshots = client.droplets.list_snapshots(ids[0])["snapshots"]
    equal("a snapshot", [one["name"] for one in snapshots], ["before"])
    private = client.images.list(private=True)["images"]
    equal("a private image", [one["id"] for one in private], [snapshots[0]["id"]])
    again = client.snapshots.list(resource_type="droplet")["snapshots"]
    equal("the same snapshot", again[0]["id"], str(snapshots[0]["id"]))
    act({"type": "power_off"})
    act({"type": "resize", "size": "s-2vcpu-4gb", "disk": True})
    equal("resized", client.droplets.get(ids[0])["droplet"]["disk"], 80)
    act({"type": "rebuild", "image": "debian-13-x64"})
    act({"type": "enable_backups", "backup_policy": {"plan": "daily", "hour": 4}})
    equal("policy", client.droplets.get_backup_policy(ids[0])["policy"]["backup_policy"]["plan"], "daily")
    for look in ["list_kernels", "list_firewalls", "list_neighbors", "list_backups"]:
        getattr(client.droplets, look)(ids[0])
    by_tag = client.droplet_actions.post_by_tag(body={"type": "power_on"}, tag_name="web")
    equal("by tag", len(by_tag["actions"]), 3)

    tag = client.tags.get("web")["tag"]
    equal("tagged", tag["resources"]["droplets"]["count"], 3)
    for group in ["images", "volumes", "volume_snapshots", "databases"]:
        check(f"tag has {group}", group in tag["resources"], tag)
    client.tags.create(body={"name": "remuda:op:1"})
    resource = {"resources": [{"resource_id": str(ids[1]), "resource_type": "droplet"}]}
    client.tags.assign_resources("remuda:op:1", body=resource)
    check("assigned", "remuda:op:1" in client.droplets.get(ids[1])["droplet"]["tags"])
    client.tags.unassign_resources("remuda:op:1", body=resource)
    check("unassigned", "remuda:op:1" not in client.droplets.get(ids[1])["droplet"]["tags"])
    client.tags.delete("remuda:op:1")

    client.snapshots.delete(again[0]["id"])
    client.droplets.destroy(droplet_id=ids[2])
    client.droplets.destroy_by_tag(tag_name="web")
    equal("all gone", client.droplets.list()["meta"]["total"], 0)
    client.tags.delete("web")


@part("pydo: reserved addresses")
def _():
    client = pydo_client()
    body = {"name": "green", "region": "nyc3", "size": "s-1vcpu-1gb", "image": "debian-13-x64"}
    droplet = client.droplets.create(body=body)["droplet"]["id"]
    other = client.droplets.create(body={**body, "name": "blue"})["droplet"]["id"]
    ip = client.reserved_ips.create(body={"region": "nyc3"})["reserved_ip"]["ip"]
    for target in [droplet, other]:
        action = client.reserved_ips_actions.post(
            ip, body={"type": "assign", "droplet_id": target}
        )["action"]
        equal("type", action["type"], "assign_ip")
        seen = client.reserved_ips_actions.get(ip, action["id"])["action"]
        equal("assigned", seen["status"], "completed")
        equal("moved", client.reserved_ips.get(ip)["reserved_ip"]["droplet"]["id"], target)
    client.reserved_ips_actions.post(ip, body={"type": "unassign"})
    equal("unassigned", client.reserved_ips.get(ip)["reserved_ip"]["droplet"], None)
    at_once = client.reserved_ips.create(body={"droplet_id": droplet})
    equal("rel", at_once["links"]["actions"][0]["rel"], "assign_ip")
    equal("listed", client.reserved_ips.list()["meta"]["total"], 2)
    client.droplets.destroy(droplet_id=droplet)
    left = client.reserved_ips.get(at_once["reserved_ip"]["ip"])["reserved_ip"]
    equal("outlives its droplet", left["droplet"], None)
    six = client.reserved_ipv6.create(body={"region_slug": "nyc3"})["reserved_ipv6"]["ip"]
    action = client.reserved_ipv6_actions.post(six, body={"type": "assign", "droplet_id": other})
    equal("v6", client.actions.get(action["action"]["id"])["action"]["status"], "completed")
    equal("v6 has it", client.reserved_ipv6.get(six)["reserved_ipv6"]["droplet"]["id"], other)
    client.reserved_ipv6_actions.post(six, body={"type": "unassign"})
    client.reserved_ipv6.delete(six)
    for one in client.reserved_ips.list()["reserved_ips"]:
        client.reserved_ips.delete(one["ip"])
    clean(client)


@part("pydo: domains")
def _():
    client = pydo_client()
    client.domains.create(body={"name": "example.com", "ip_address": "192.0.2.1"})
    kinds = sorted(one["type"] for one in client.domains.list_records("example.com")["domain_records"])
    equal("default records", kinds, ["A", "NS", "NS", "NS", "SOA"])
    record = client.domains.create_record(
        "example.com", body={"type": "A", "name": "blog", "data": "192.0.2.2", "ttl": 60}
    )["domain_record"]
    found = client.domains.list_records("example.com", name="blog.example.com", type="A")
    equal("by name", [one["id"] for one in found["domain_records"]], [record["id"]])
    patched = client.domains.patch_record("example.com", record["id"], body={"type": "A", "data": "192.0.2.3"})
    equal("patched", patched["domain_record"]["data"], "192.0.2.3")
    equal("ttl kept", patched["domain_record"]["ttl"], 60)
    put = client.domains.update_record("example.com", record["id"], body={"type": "A", "name": "www"})
    equal("put", put["domain_record"]["name"], "www")
    alias = {"type": "CNAME", "name": "shop", "data": "www.example.com."}
    equal("alias", client.domains.create_record("example.com", body=alias)["domain_record"]["data"], "www.example.com")
    check("zone file", "www.example.com. 60 IN A 192.0.2.3" in client.domains.get("example.com")["domain"]["zone_file"])
    client.domains.delete_record("example.com", record["id"])
    client.domains.delete("example.com")
    equal("gone", client.domains.list()["domains"], [])


@part("pydo: volumes and snapshots")
def _():
    client = pydo_client()
    body = {"name": "data", "region": "nyc3", "size_gigabytes": 10, "filesystem_type": "ext4"}
    volume = client.volumes.create(body=body)["volume"]
    droplet = client.droplets.create(
        body={"name": "a", "region": "nyc3", "size": "s-1vcpu-1gb", "image": "debian-13-x64"}
    )["droplet"]["id"]
    action = client.volume_actions.post_by_id(
        volume["id"], body={"type": "attach", "droplet_id": droplet, "region": "nyc3"}
    )["action"]
    equal("attached", client.volume_actions.get(volume["id"], action["id"])["action"]["status"], "completed")
    equal("on it", client.volumes.get(volume["id"])["volume"]["droplet_ids"], [droplet])
    client.volume_actions.post(
        body={"type": "detach", "droplet_id": droplet, "region": "nyc3", "volume_name": "data"}
    )
    equal("off it", client.volumes.get(volume["id"])["volume"]["droplet_ids"], [])
    client.volume_actions.post_by_id(volume["id"], body={"type": "resize", "size_gigabytes": 20, "region": "nyc3"})
    equal("grown", client.volumes.list(name="data")["volumes"][0]["size_gigabytes"], 20)
    snapshot = client.volume_snapshots.create(volume["id"], body={"name": "s"})["snapshot"]
    equal("listed", client.volume_snapshots.list(volume["id"])["meta"]["total"], 1)
    client.volume_snapshots.delete_by_id(snapshot["id"])
    client.volumes.delete_by_name(name="data", region="nyc3")
    equal("gone", client.volumes.list()["volumes"], [])
    clean(client)


@part("pydo: firewalls, projects, vpcs")
def _():
    client = pydo_client()
    droplet = client.droplets.create(
        body={"name": "a", "region": "nyc3", "size": "s-1vcpu-1gb", "image": "debian-13-x64"}
    )["droplet"]["id"]
    rule = {"protocol": "tcp", "ports": "22", "sources": {"addresses": ["0.0.0.0/0", "::/0"]}}
    body = {"name": "lock.blog", "inbound_rules": [rule], "droplet_ids": [droplet]}
    firewall = client.firewalls.create(body=body)["firewall"]
    try:
        client.firewalls.create(body=body)
        check("a name twice is refused", False)
    except Exception as error:
        equal("a name twice is refused", error.status_code, 409)
        check("in its words", "duplicate name" in str(error), str(error))
    client.tags.create(body={"name": "fw"})
    client.firewalls.add_tags(firewall["id"], body={"tags": ["fw"]})
    more = {"protocol": "tcp", "ports": "8000-9000", "sources": {"tags": ["fw"]}}
    client.firewalls.add_rules(firewall["id"], body={"inbound_rules": [more]})
    seen = client.firewalls.get(firewall["id"])["firewall"]
    equal("rules", [one["ports"] for one in seen["inbound_rules"]], ["22", "8000-9000"])
    equal("tags", seen["tags"], ["fw"])
    equal("of the droplet", client.droplets.list_firewalls(droplet)["firewalls"][0]["id"], firewall["id"])
    client.firewalls.delete_rules(firewall["id"], body={"inbound_rules": [more]})
    client.firewalls.delete_tags(firewall["id"], body={"tags": ["fw"]})
    client.firewalls.delete_droplets(firewall["id"], body={"droplet_ids": [droplet]})
    client.firewalls.delete(firewall["id"])
    client.tags.delete("fw")

    project = client.projects.create(body={"name": "p", "purpose": "tests", "environment": "Staging"})["project"]
    done = client.projects.assign_resources(project["id"], body={"resources": [f"do:droplet:{droplet}"]})
    equal("assigned", done["resources"][0]["status"], "assigned")
    equal("in it", len(client.projects.list_resources(project["id"])["resources"]), 1)
    check("a default", client.projects.get_default()["project"]["is_default"])
    client.projects.assign_resources_default(body={"resources": [f"do:droplet:{droplet}"]})
    client.projects.patch(project["id"], body={"description": "x"})
    client.projects.delete(project["id"])

    vpc = client.vpcs.create(body={"name": "net", "region": "nyc3", "ip_range": "10.77.0.0/20"})["vpc"]
    client.vpcs.patch(vpc["id"], body={"description": "x"})
    client.vpcs.list_members(vpc["id"])
    client.vpcs.delete(vpc["id"])
    seen = client.droplets.list_associated_resources(droplet)
    check("associated", "volumes" in seen, seen)
    client.droplets.destroy_with_associated_resources_dangerous(droplet, x_dangerous=True)
    status = client.droplets.get_destroy_associated_resources_status(droplet)
    equal("destroyed", status["failures"], 0)


@part("python-digitalocean")
def _():
    import digitalocean

    manager = digitalocean.Manager(token=TOKEN)
    equal("account", manager.get_account().status, "active")
    check("regions", len(manager.get_all_regions()) >= 13)
    check("sizes over pages", len(manager.get_all_sizes()) >= 20)
    check("images", len(manager.get_global_images()) >= 4)
    key = digitalocean.SSHKey(token=TOKEN, name="b", public_key=KEY_B)
    key.create()
    droplets = []
    for number in range(3):
        droplet = digitalocean.Droplet(
            token=TOKEN,
            name=f"pd-{number}",
            region="nyc3",
            image="debian-12-x64",
            size_slug="s-1vcpu-1gb",
            ssh_keys=[key],
            tags=["pd"],
            ipv6=True,
        )
        droplet.create()
        droplets.append(droplet)
    for droplet in droplets:
        for action in droplet.get_actions():
            check("waits", action.wait(update_every_seconds=0))
        droplet.load()
        equal("active", droplet.status, "active")
        check("an address", droplet.ip_address.startswith("127."), droplet.ip_address)
    equal("by tag", len(manager.get_all_droplets(tag_name="pd")), 3)
    # its pages are followed through absolute links
    equal("followed", len(manager.get_all_droplets(params={"per_page": 1})), 3)
    droplets[0].shutdown(return_dict=False).wait(update_every_seconds=0)
    droplets[0].power_on(return_dict=False).wait(update_every_seconds=0)
    droplets[0].take_snapshot("kept", return_dict=False).wait(update_every_seconds=0)
    snapshots = manager.get_droplet_snapshots()
    equal("snapshot", [one.name for one in snapshots], ["kept"])
    snapshots[0].destroy()
    floating = digitalocean.FloatingIP(token=TOKEN, region_slug="nyc3")
    floating.reserve()
    floating.assign(droplets[0].id)
    floating.load()
    equal("assigned", floating.droplet["id"], droplets[0].id)
    floating.unassign()
    floating.destroy()
    domain = digitalocean.Domain(token=TOKEN, name="example.org", ip_address="192.0.2.9")
    domain.create()
    domain.create_new_domain_record(type="TXT", name="@", data="v=spf1 -all")
    check("records", len(domain.get_records()) == 6, domain.get_records())
    domain.destroy()
    volume = digitalocean.Volume(token=TOKEN, name="pd", region="nyc3", size_gigabytes=5)
    volume.create()
    volume.attach(droplets[1].id, "nyc3")
    volume.load()
    equal("attached", volume.droplet_ids, [droplets[1].id])
    volume.detach(droplets[1].id, "nyc3")
    volume.destroy()
    tag = digitalocean.Tag(token=TOKEN, name="extra")
    tag.create()
    tag.add_droplets([str(droplets[1].id)])
    droplets[1].load()
    check("tagged", "extra" in droplets[1].tags, droplets[1].tags)
    firewall = digitalocean.Firewall(
        token=TOKEN,
        name="pd-firewall",
        inbound_rules=[
            digitalocean.InboundRule(
                protocol="tcp", ports="80", sources=digitalocean.Sources(addresses=["0.0.0.0/0"])
            )
        ],
        outbound_rules=[],
        droplet_ids=[droplets[1].id],
        tags=[],
    )
    firewall.create()
    equal("firewall", len(manager.get_all_firewalls()), 1)
    firewall.destroy()
    for droplet in droplets:
        droplet.destroy()
    equal("all gone", manager.get_all_droplets(), [])
    tag.delete()
    digitalocean.Tag(token=TOKEN, name="pd").delete()
    key.destroy()


@part("apache-libcloud")
def _():
    from libcloud.compute.providers import get_driver
    from libcloud.compute.types import NodeState, Provider
    from libcloud.dns.providers import get_driver as get_dns
    from libcloud.dns.types import Provider as DnsProvider, RecordType

    where = urlparse(URL)

    def at_simulator(driver):
        # its constructors take no other host for this provider
        connection = driver.connection
        connection.host, connection.port, connection.secure = where.hostname, where.port, False
        connection.connect()
        return driver

    driver = at_simulator(get_driver(Provider.DIGITAL_OCEAN)(TOKEN))
    key = driver.create_key_pair("c", KEY_C)
    sizes = {size.name: size for size in driver.list_sizes()}
    images = {image.extra["slug"]: image for image in driver.list_images()}
    places = {place.id: place for place in driver.list_locations()}
    check("places", len(places) >= 11, len(places))
    # more than a page: it takes the number of pages from `last`
    for number in range(3):
        driver.create_node(
            name=f"lc-{number}",
            size=sizes["s-1vcpu-1gb"],
            image=images["debian-13-x64"],
            location=places["nyc3"],
            ex_create_attr={"ssh_keys": [key.fingerprint], "tags": ["lc"]},
        )
    driver.ex_per_page = 1
    nodes = driver.list_nodes()
    equal("over pages", sorted(node.name for node in nodes), ["lc-0", "lc-1", "lc-2"])
    equal("running", {node.state for node in nodes}, {NodeState.RUNNING})
    check("addresses", all(node.public_ips and node.private_ips for node in nodes))
    check("reboot", driver.reboot_node(nodes[0]))
    check("rename", driver.ex_rename_node(nodes[0], "lc-x"))
    volume = driver.create_volume(7, "lc", location=places["nyc3"])
    check("attach", driver.attach_volume(nodes[0], volume))
    volume = next(one for one in driver.list_volumes() if one.name == "lc")
    check("detach", driver.detach_volume(volume))
    check("destroy volume", driver.destroy_volume(volume))
    ip = driver.ex_create_floating_ip(places["nyc3"])
    check("floating", driver.ex_attach_floating_ip_to_node(nodes[0], ip))
    check("off", driver.ex_detach_floating_ip_from_node(nodes[0], driver.ex_get_floating_ip(ip.ip_address)))
    check("deleted", driver.ex_delete_floating_ip(ip))
    for node in nodes:
        check("destroy", driver.destroy_node(node))
    equal("none", driver.list_nodes(), [])
    driver.delete_key_pair(key)

    dns = at_simulator(get_dns(DnsProvider.DIGITAL_OCEAN)(TOKEN))
    zone = dns.create_zone("example.net", extra={"ip": "192.0.2.7"})
    record = dns.create_record("www", zone, RecordType.A, "192.0.2.8")
    equal("record", dns.get_record(zone.id, record.id).data, "192.0.2.8")
    check("update", dns.update_record(record, data="192.0.2.10"))
    equal("updated", dns.get_record(zone.id, record.id).data, "192.0.2.10")
    check("delete record", dns.delete_record(record))
    check("delete zone", dns.delete_zone(zone))


print(f"{checks} checks, {len(failures)} failures")
sys.exit(1 if failures else 0)
