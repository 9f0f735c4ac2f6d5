// Where tests get a RabbitMQ from: a URL in the environment, else the rabbitmq-server of this machine, else Debian's package.
import type { RunningBroker } from "./broker.ts";
import { freePort } from "./port.ts";
import { amqpAnswers, RABBITMQ_READY_MS, startRabbitmqProcess } from "./rabbitmq-process.ts";

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
const HOST = "127.0.0.1";

/** A running RabbitMQ; rejects with what to do if there is none to be had, in CI too: a missing broker is no reason to skip. */
export async function startRabbitmq(options: RabbitmqServerOptions = {}): Promise<RunningRabbitmq> {
	const url = process.env[URL_VARIABLE];
	if (url && !options.own && !options.settings && !options.plugins && !options.tls) return await borrowed(url);
	const [port, distPort, epmdPort, tlsPort] = await Promise.all([freePort(), freePort(), freePort(), freePort()]);
	const running = await startRabbitmqProcess({
		address: { host: HOST, port, distPort, epmdPort },
		nodeName: "rabbit@localhost",
		configuration: configuration(options, tlsPort),
		plugins: options.plugins ?? [],
	});
	return { ...running, tlsPort: options.tls ? tlsPort : undefined };
}

function configuration({ settings = [], tls }: RabbitmqServerOptions, tlsPort: number): string[] {
	if (!tls) return [...settings];
	return [
		`listeners.ssl.1 = ${HOST}:${tlsPort}`,
		`ssl_options.cacertfile = ${tls.ca}`,
		`ssl_options.certfile = ${tls.cert}`,
		`ssl_options.keyfile = ${tls.key}`,
		"ssl_options.verify = verify_peer",
		"ssl_options.fail_if_no_peer_cert = false",
		"auth_mechanisms.1 = PLAIN",
		"auth_mechanisms.2 = EXTERNAL",
		"ssl_cert_login_from = common_name",
		...settings,
	];
}

async function borrowed(url: string): Promise<RunningRabbitmq> {
	const { hostname, port } = new URL(url);
	const address = { host: hostname, port: Number(port || 5672) };
	const version = await amqpAnswers(address.host, address.port, RABBITMQ_READY_MS);
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
