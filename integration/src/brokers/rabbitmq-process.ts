// One RabbitMQ node from the machine's own programs, with an epmd of its own.
import { execFile } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import type { RunningBroker } from "./broker.ts";
import { ChildServer } from "./child-server.ts";
import { installFromDebian } from "./debian.ts";
import type { NodePlace } from "./node-network.ts";

export interface RabbitmqProcess {
	readonly address: Address;
	/** "rabbit@HOST"; with a domain or an IP address if `longName` is set. */
	readonly nodeName: string;
	readonly longName?: boolean;
	/** Lines of rabbitmq.conf. */
	readonly configuration: readonly string[];
	readonly plugins: readonly string[];
	/** What nodes of one cluster have in common. */
	readonly cookie?: string;
	readonly erlangArguments?: string;
	readonly place?: NodePlace;
}

interface Address {
	readonly host: string;
	readonly port: number;
	readonly distPort: number;
	readonly epmdPort: number;
}

export interface RunningRabbitmqProcess extends RunningBroker {
	/** `rabbitmqctl` with these arguments; gives its output. */
	control(...args: readonly string[]): Promise<string>;
}

/** A broker on a busy machine takes its time: about 8 s on an idle one. */
export const RABBITMQ_READY_MS = 100_000;
const HOME = "/usr/lib/rabbitmq/bin";
/** Idle schedulers must not spin: tests share the machine with them. */
const ERLANG_ARGUMENTS = "+sbwt none +sbwtdcpu none +sbwtdio none";

export async function startRabbitmqProcess(options: RabbitmqProcess): Promise<RunningRabbitmqProcess> {
	const { address, place, cookie } = options;
	const { host, port, epmdPort } = address;
	const folder = await rabbitmqPrograms();
	// Of its own, since the machine's would be started as a daemon and stay behind.
	const epmd = await ChildServer.start({
		name: "epmd",
		command: "epmd",
		place,
		arguments: () => ["-port", String(epmdPort), "-address", host],
		ready: () => listens(host, epmdPort, RABBITMQ_READY_MS),
	});
	let version = "unknown";
	const environment = (home: string) => environmentOf(home, options);
	try {
		const server: ChildServer = await ChildServer.start({
			name: "rabbitmq",
			command: join(folder, "rabbitmq-server"),
			place,
			arguments: (home) => {
				writeFileSync(join(home, "rabbitmq.conf"), configurationOf(options));
				writeFileSync(join(home, "enabled_plugins"), `[${options.plugins.join(",")}].\n`);
				const secret = join(home, ".erlang.cookie");
				if (cookie !== undefined && !existsSync(secret)) writeFileSync(secret, cookie, { mode: 0o400 });
				return [];
			},
			environment,
			ready: async () => {
				version = await amqpAnswers(host, port, RABBITMQ_READY_MS);
			},
		});
		const dispose = async () => {
			await server.dispose();
			await epmd.dispose();
		};
		return {
			url: `amqp://${host}:${port}`,
			version,
			how: `native (${folder}/rabbitmq-server)`,
			host,
			port,
			...server.controls(),
			async control(...args) {
				const command = [join(folder, "rabbitmqctl"), ...args];
				const [program = "", ...words] = place ? place.enter(command) : command;
				const { stdout } = await promisify(execFile)(program, words, { env: { ...process.env, ...environment(server.folder) } });
				return stdout;
			},
			dispose,
			[Symbol.asyncDispose]: dispose,
		};
	} catch (error) {
		await epmd.dispose();
		throw error;
	}
}

function environmentOf(home: string, { address, nodeName, longName, erlangArguments }: RabbitmqProcess): Record<string, string> {
	return {
		HOME: home,
		RABBITMQ_NODENAME: nodeName,
		...(longName ? { RABBITMQ_USE_LONGNAME: "true" } : {}),
		RABBITMQ_NODE_PORT: String(address.port),
		RABBITMQ_DIST_PORT: String(address.distPort),
		RABBITMQ_MNESIA_BASE: join(home, "data"),
		RABBITMQ_LOG_BASE: join(home, "log"),
		RABBITMQ_LOGS: "-",
		RABBITMQ_ENABLED_PLUGINS_FILE: join(home, "enabled_plugins"),
		RABBITMQ_CONFIG_FILE: join(home, "rabbitmq.conf"),
		RABBITMQ_PID_FILE: join(home, "rabbitmq.pid"),
		ERL_EPMD_PORT: String(address.epmdPort),
		// Makes the script become the server instead of its parent, so that signals reach the server.
		RUNNING_UNDER_SYSTEMD: "1",
		RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: [ERLANG_ARGUMENTS, erlangArguments].filter(Boolean).join(" "),
	};
}

function configurationOf({ address: { host, port }, configuration }: RabbitmqProcess): string {
	return [`listeners.tcp.1 = ${host}:${port}`, "loopback_users = none", "log.console.level = info", ...configuration, ""].join("\n");
}

/** The folder of rabbitmq-server and rabbitmqctl themselves: what Debian has on the PATH are wrappers that change user. */
async function rabbitmqPrograms(): Promise<string> {
	const folders = () => [HOME, ...(process.env["PATH"] ?? "").split(":")];
	const find = () => folders().find((folder) => existsSync(join(folder, "rabbitmq-server")) && existsSync(join(folder, "rabbitmqctl")));
	const remedy = `no RabbitMQ for the tests: install rabbitmq-server (3.10 or later), or name a RabbitMQ in POLYLOG_TEST_AMQP_URL`;
	await installFromDebian(["rabbitmq-server"], () => !find(), remedy);
	const found = find();
	if (found === undefined) throw new Error(remedy);
	return found;
}

async function listens(host: string, port: number, withinMs: number): Promise<void> {
	await poll(host, port, withinMs, "", (reply) => (reply === "" ? "it listens" : undefined));
}

/** The protocol's header on a plain socket: whoever answers with its properties is up. Gives its version. */
export async function amqpAnswers(host: string, port: number, withinMs: number): Promise<string> {
	return await poll(
		host,
		port,
		withinMs,
		"AMQP\x00\x00\x09\x01",
		// A field of a table: the name, S, the length in four bytes, the text.
		(reply) => /versionS.{4}([0-9][0-9a-z.+-]*)/s.exec(reply)?.[1],
	);
}

async function poll(
	host: string,
	port: number,
	withinMs: number,
	greeting: string,
	understand: (reply: string) => string | undefined,
): Promise<string> {
	const deadline = Date.now() + withinMs;
	let reply = "nothing";
	while (Date.now() < deadline) {
		reply = await ask(host, port, greeting);
		const answer = understand(reply);
		if (answer !== undefined) return answer;
		await new Promise((resolve) => setTimeout(resolve, 50));
	}
	throw new Error(`${host}:${port} did not come up within ${withinMs} ms; last answer: ${reply.slice(0, 200)}`);
}

function ask(host: string, port: number, greeting: string): Promise<string> {
	return new Promise((resolve) => {
		const socket = connect({ host, port });
		const done = (reply: string) => {
			socket.destroy();
			resolve(reply);
		};
		socket.setTimeout(2000, () => done("no answer"));
		socket.once("error", (error) => done(error.message));
		socket.once("data", (data) => done(data.toString("latin1")));
		socket.once("connect", () => (greeting === "" ? done("") : socket.write(greeting, "latin1")));
	});
}
