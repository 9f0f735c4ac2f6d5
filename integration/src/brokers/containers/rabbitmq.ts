// RabbitMQ in a container.
import { type RunningContainer, startContainer } from "./container.ts";
import { untilLogged } from "./logged.ts";

export interface RabbitmqContainerOptions {
	/** More lines of rabbitmq.conf. */
	readonly settings?: readonly string[];
	/** Default: none. */
	readonly plugins?: readonly string[];
}

const PORT = 5672;
const READY_MS = 120_000;

export async function startRabbitmqContainer({ settings = [], plugins = [] }: RabbitmqContainerOptions): Promise<RunningContainer> {
	return await startContainer({
		server: "rabbitmq",
		port: PORT,
		environment: () => ({
			// Idle schedulers must not spin: tests share the machine with them.
			RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: "+sbwt none +sbwtdcpu none +sbwtdio none",
		}),
		files: {
			"/etc/rabbitmq/conf.d/90-polylog.conf": ["loopback_users = none", "log.console.level = info", ...settings, ""].join("\n"),
			"/etc/rabbitmq/enabled_plugins": `[${plugins.join(",")}].\n`,
		},
		ready: (_, logged) => untilLogged(logged, /Server startup complete/, /Starting RabbitMQ (\S+) on/, READY_MS),
		url: ({ host, port }) => `amqp://${host}:${port}`,
	});
}
