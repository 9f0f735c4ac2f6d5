// A network of its own for each node of a cluster on this machine, so that a node can be cut from its peers while clients
// still reach it. Linux and root: network namespaces on a bridge that is in a namespace too. All of it belongs to
// processes that end when their standard input does: nothing outlives this process.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { run } from "./command.ts";
import { findProgram, installFromDebian } from "./debian.ts";

export interface NodePlace {
	readonly address: string;
	/** The command as it is run on this node. */
	enter(command: readonly string[]): readonly string[];
}

export interface NodeNetwork extends AsyncDisposable {
	readonly places: readonly NodePlace[];
	/** No packet passes between this node and the others any more, either way and without a word; nor, if asked, between it and this process' network. */
	readonly cut: (place: NodePlace, options?: { readonly clientsToo: boolean }) => Promise<void>;
	/** Undoes all cuts. */
	readonly heal: () => Promise<void>;
}

const SUBNETS = 250;
let made = 0;

export async function startNodeNetwork(size: number): Promise<NodeNetwork> {
	if (process.platform !== "linux" || process.getuid?.() !== 0)
		throw new Error("clusters whose nodes can be cut from each other need Linux and root: each node gets a network namespace");
	const missing = () => ["ip", "iptables", "unshare", "nsenter"].some((program) => !findProgram(program));
	await installFromDebian(["iproute2", "iptables", "util-linux"], missing, "no ip, iptables, unshare and nsenter on this machine");
	const holders = await Promise.all(Array.from({ length: size + 1 }, holdNamespace));
	const dispose = async () => {
		await Promise.all(holders.map(release));
	};
	try {
		const { places, clients } = await wire(holders);
		const drop = (at: NodePlace, from: string) => run([...at.enter(["iptables", "-w", "-I", "INPUT", "-s", from, "-j", "DROP"])]);
		return {
			places,
			async cut(place, { clientsToo } = { clientsToo: false }) {
				const peers = places.filter((other) => other !== place);
				const silenced = peers.flatMap((peer) => [drop(place, peer.address), drop(peer, place.address)]);
				await Promise.all(clientsToo ? [...silenced, drop(place, clients)] : silenced);
			},
			async heal() {
				await Promise.all(places.map((place) => run([...place.enter(["iptables", "-w", "-F", "INPUT"])])));
			},
			[Symbol.asyncDispose]: dispose,
		};
	} catch (error) {
		await dispose();
		throw error;
	}
}

/** A process that does nothing but keep a namespace. */
async function holdNamespace(): Promise<ChildProcess> {
	const holder = spawn("unshare", ["--net", "sh", "-c", "ip link set lo up && echo up && exec cat"], {
		stdio: ["pipe", "pipe", "inherit"],
	});
	const ended = once(holder, "exit").then(([code]) => {
		throw new Error(`unshare --net ended with ${code}: network namespaces are not to be had here`);
	});
	ended.catch(() => {});
	await Promise.race([once(holder.stdout, "data"), ended]);
	return holder;
}

async function release(holder: ChildProcess): Promise<void> {
	if (holder.exitCode !== null || holder.signalCode !== null) return;
	const exited = once(holder, "exit");
	holder.stdin?.end();
	await exited;
}

const within = (holder: ChildProcess, command: readonly string[]) => ["nsenter", "--target", String(holder.pid), "--net", ...command];

/** The first holder's namespace has the bridge, to which the nodes and this process' own network are wired. */
async function wire([bridge, ...nodes]: readonly ChildProcess[]): Promise<{ readonly places: NodePlace[]; readonly clients: string }> {
	if (!bridge) throw new RangeError("a network has nodes");
	const device = `poly${process.pid}${"abcdefgh"[made++ % 8]}`;
	const on = (holder: ChildProcess, script: string) => run(within(holder, ["sh", "-ec", script]));
	await run(["ip", "link", "add", device, "type", "veth", "peer", "name", "clients", "netns", String(bridge.pid)]);
	await on(bridge, "ip link add bridge type bridge; ip link set bridge up; ip link set clients master bridge up");
	await run(["ip", "link", "set", device, "up"]);
	const subnet = await freeSubnet(device);
	const places = await Promise.all(
		nodes.map(async (node, at): Promise<NodePlace> => {
			const address = `${subnet}.${at + 1}`;
			await on(bridge, `ip link add port${at} type veth peer name node netns ${node.pid}; ip link set port${at} master bridge up`);
			await on(node, `ip addr add ${address}/24 dev node; ip link set node up`);
			return { address, enter: (command) => within(node, command) };
		}),
	);
	return { places, clients: clientsIn(subnet) };
}

const clientsIn = (subnet: string) => `${subnet}.254`;

/** One that no other run has: two routes to the same cannot be made. */
async function freeSubnet(device: string): Promise<string> {
	for (let attempt = 0; ; attempt++) {
		const subnet = `10.77.${1 + ((process.pid + attempt) % SUBNETS)}`;
		try {
			await run(["ip", "addr", "add", `${clientsIn(subnet)}/32`, "dev", device]);
			await run(["ip", "route", "add", `${subnet}.0/24`, "dev", device, "src", clientsIn(subnet)]);
			return subnet;
		} catch (error) {
			await run(["ip", "addr", "flush", "dev", device]);
			if (attempt === SUBNETS) throw error;
		}
	}
}
