// Where tests get a RabbitMQ from: a URL in the environment, else the rabbitmq-server of this machine, else Debian's package.
import { execFile } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import type { RunningBroker } from "./broker.ts";
import { ChildServer } from "./child-server.ts";
import { installFromDebian } from "./debian.ts";
import { freePort } from "./port.ts";

export interface RabbitmqServerOptions {
	/** More lines of rabbitmq.conf: `["vm_memory_high_watermark.absolute = 64MiB"]`. A broker from a URL cannot have them. */
	readonly settings?: readonly string[];
	/** Default: none. */
	readonly plugins?: readonly string[];
	/** PEM files: also listens on `tlsPort`, and asks clients for certificates. */
	readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string };
	/** A server of this run's own, even if the environment names one: tests that kill it need that. Default: false. */
	readonly own?: boolean;
}

export interface RunningRabbitmq extends RunningBroker {
	readonly tlsPort: number | undefined;
	/** `rabbitmqctl` with these arguments; gives its output. */
	control(...args: readonly string[]): Promise<string>;
}

const URL_VARIABLE = "POLYLOG_TEST_AMQP_URL";
/** A broker on a busy machine takes its time: about 8 s on an idle one. */
const READY_MS = 100_000;
const HOME = "/usr/lib/rabbitmq/bin";

/** A running RabbitMQ; rejects with what to do if there is none to be had, in CI too: a missing broker is no reason to skip. */
export async function startRabbitmq(options: RabbitmqServerOptions = {}): Promise<RunningRabbitmq> {
	const url = process.env[URL_VARIABLE];
	if (url && !options.own && !options.settings && !options.plugins && !options.tls) return await borrowed(url);
	const folder = await rabbitmqPrograms();
	const [port, distPort, epmdPort, tlsPort] = await Promise.all([freePort(), freePort(), freePort(), freePort()]);
	// Of its own, since the machine's would be started as a daemon and stay behind.
	const epmd = await ChildServer.start({
		name: "epmd",
		command: "epmd",
		arguments: () => ["-port", String(epmdPort), "-address", "127.0.0.1"],
		ready: () => listens("127.0.0.1", epmdPort, READY_MS),
	});
	let version = "unknown";
	const environment = (home: string) => environmentOf({ home, port, distPort, epmdPort });
	try {
		const server: ChildServer = await ChildServer.start({
			name: "rabbitmq",
			command: join(folder, "rabbitmq-server"),
			arguments: (home) => {
				writeFileSync(join(home, "rabbitmq.conf"), configuration(options, port, tlsPort));
				writeFileSync(join(home, "enabled_plugins"), `[${(options.plugins ?? []).join(",")}].\n`);
				return [];
			},
			environment,
			ready: async () => {
				version = await answersAmqp("127.0.0.1", port, READY_MS);
			},
		});
		return runningBroker({
			server,
			epmd,
			folder,
			version,
			port,
			tlsPort: options.tls ? tlsPort : undefined,
			environment: environment(server.folder),
		});
	} catch (error) {
		await epmd.dispose();
		throw error;
	}
}

interface Parts {
	readonly server: ChildServer;
	readonly epmd: ChildServer;
	/** Of the programs. */
	readonly folder: string;
	readonly version: string;
	readonly port: number;
	readonly tlsPort: number | undefined;
	readonly environment: Readonly<Record<string, string>>;
}

function runningBroker({ server, epmd, folder, version, port, tlsPort, environment }: Parts): RunningRabbitmq {
	const dispose = async () => {
		await server.dispose();
		await epmd.dispose();
	};
	return {
		url: `amqp://127.0.0.1:${port}`,
		version,
		how: `native (${folder}/rabbitmq-server)`,
		host: "127.0.0.1",
		port,
		tlsPort,
		start: () => server.start(),
		stop: () => server.stop(),
		kill: () => server.kill(),
		pause: () => server.signal("SIGSTOP"),
		resume: () => server.signal("SIGCONT"),
		async restart() {
			await server.stop();
			await server.start();
		},
		logs: () => server.logs(),
		async control(...args) {
			const { stdout } = await promisify(execFile)(join(folder, "rabbitmqctl"), args, { env: { ...process.env, ...environment } });
			return stdout;
		},
		dispose,
		[Symbol.asyncDispose]: dispose,
	};
}

function environmentOf({
	home,
	port,
	distPort,
	epmdPort,
}: {
	home: string;
	port: number;
	distPort: number;
	epmdPort: number;
}): Record<string, string> {
	return {
		HOME: home,
		RABBITMQ_NODENAME: "rabbit@localhost",
		RABBITMQ_NODE_PORT: String(port),
		RABBITMQ_DIST_PORT: String(distPort),
		RABBITMQ_MNESIA_BASE: join(home, "data"),
		RABBITMQ_LOG_BASE: join(home, "log"),
		RABBITMQ_LOGS: "-",
		RABBITMQ_ENABLED_PLUGINS_FILE: join(home, "enabled_plugins"),
		RABBITMQ_CONFIG_FILE: join(home, "rabbitmq.conf"),
		RABBITMQ_PID_FILE: join(home, "rabbitmq.pid"),
		ERL_EPMD_PORT: String(epmdPort),
		// Makes the script become the server instead of its parent, so that signals reach the server.
		RUNNING_UNDER_SYSTEMD: "1",
		// Idle schedulers must not spin: tests share the machine with them.
		RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: "+sbwt none +sbwtdcpu none +sbwtdio none",
	};
}

function configuration({ settings = [], tls }: RabbitmqServerOptions, port: number, tlsPort: number): string {
	const lines = [`listeners.tcp.1 = 127.0.0.1:${port}`, "loopback_users = none", "log.console.level = info"];
	if (tls) {
		lines.push(
			`listeners.ssl.1 = 127.0.0.1:${tlsPort}`,
			`ssl_options.cacertfile = ${tls.ca}`,
			`ssl_options.certfile = ${tls.cert}`,
			`ssl_options.keyfile = ${tls.key}`,
			"ssl_options.verify = verify_peer",
			"ssl_options.fail_if_no_peer_cert = false",
			"auth_mechanisms.1 = PLAIN",
			"auth_mechanisms.2 = EXTERNAL",
			"ssl_cert_login_from = common_name",
		);
	}
	return [...lines, ...settings, ""].join("\n");
}

async function borrowed(url: string): Promise<RunningRabbitmq> {
	const { hostname, port } = new URL(url);
	const address = { host: hostname, port: Number(port || 5672) };
	const version = await answersAmqp(address.host, address.port, READY_MS);
	const refuse = () => {
		throw new Error(`the RabbitMQ of ${URL_VARIABLE} is not this test's to stop or change; ask startRabbitmq for one of its own`);
	};
	const nothing = async () => undefined;
	return {
		url,
		version,
		how: URL_VARIABLE,
		...address,
		tlsPort: undefined,
		start: refuse,
		stop: refuse,
		kill: refuse,
		pause: refuse,
		resume: refuse,
		restart: refuse,
		control: refuse,
		logs: () => "",
		dispose: nothing,
		[Symbol.asyncDispose]: nothing,
	};
}

/** The folder of rabbitmq-server and rabbitmqctl themselves: what Debian has on the PATH are wrappers that change user. */
async function rabbitmqPrograms(): Promise<string> {
	const folders = () => [HOME, ...(process.env["PATH"] ?? "").split(":")];
	const find = () => folders().find((folder) => existsSync(join(folder, "rabbitmq-server")) && existsSync(join(folder, "rabbitmqctl")));
	const remedy = `no RabbitMQ for the tests: install rabbitmq-server (3.10 or later), or name a RabbitMQ in ${URL_VARIABLE}`;
	await installFromDebian(["rabbitmq-server"], () => !find(), remedy);
	const found = find();
	if (found === undefined) throw new Error(remedy);
	return found;
}

async function listens(host: string, port: number, withinMs: number): Promise<void> {
	await poll(host, port, withinMs, "", (reply) => (reply === "" ? "it listens" : undefined));
}

/** The protocol's header on a plain socket: whoever answers with its properties is up. Gives its version. */
async function answersAmqp(host: string, port: number, withinMs: number): Promise<string> {
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
