// A broker in a container, made by Testcontainers: the same handle as a server that is a child process.
import { setTimeout as delay } from "node:timers/promises";
import type { ContainerRuntimeClient } from "testcontainers";
import type { RunningBroker } from "../broker.ts";
import { freePort } from "../port.ts";
import { engine, RUN_LABEL } from "./engine.ts";
import { prepareImage } from "./images.ts";
import type { Logged } from "./logged.ts";
import { currentRun } from "./run.ts";
import type { ContainerServer } from "./servers.ts";

const STOP_SECONDS = 10;
const START_MS = 120_000;
/** Ports are chosen before they are taken; another process may be quicker. */
const PORT_ATTEMPTS = 3;

export interface Address {
	readonly host: string;
	readonly port: number;
}

export interface ContainerOptions {
	readonly server: ContainerServer;
	/** Where the server listens inside. */
	readonly port: number;
	/** Default: the image's own. */
	readonly command?: readonly string[];
	/** Given where clients will find it. */
	environment?(at: Address): Readonly<Record<string, string>>;
	/** Files to put into it, by path. */
	readonly files?: Readonly<Record<string, string>>;
	/** Resolves with the server's version once it serves; called after every start. */
	ready(at: Address, logged: Logged): Promise<string>;
	url(at: Address): string;
}

export interface RunningContainer extends RunningBroker {
	/** Where other containers find it, until its next start. */
	readonly peer: Address;
}

export async function startContainer(options: ContainerOptions): Promise<RunningContainer> {
	// Set before Testcontainers is loaded, which reads it then. What it would clean up, endRun does.
	process.env["DOCKER_HOST"] = await engine();
	process.env["TESTCONTAINERS_RYUK_DISABLED"] ??= "true";
	const image = await prepareImage(options.server);
	const testcontainers = await import("testcontainers");
	const client = await testcontainers.getContainerRuntimeClient();
	// "localhost" may be ::1, where not every engine listens.
	const host = client.info.containerRuntime.host === "localhost" ? "127.0.0.1" : client.info.containerRuntime.host;
	for (let attempt = 1; ; attempt += 1) {
		const at = { host, port: await freePort() };
		const container = new testcontainers.GenericContainer(image.name)
			.withExposedPorts({ container: options.port, host: at.port })
			.withLabels({ [RUN_LABEL]: currentRun() })
			.withAutoCleanup(false)
			.withPullPolicy(testcontainers.PullPolicy.neverPull())
			.withEnvironment(options.environment?.(at) ?? {})
			.withCopyContentToContainer(Object.entries(options.files ?? {}).map(([target, content]) => ({ target, content })))
			.withWaitStrategy(NO_WAIT);
		if (options.command) container.withCommand([...options.command]);
		try {
			const started = await container.start();
			const controlled = new ControlledContainer(client, started.getId(), (logged) => options.ready(at, logged));
			return await running(controlled, options, at, image.origin);
		} catch (error) {
			if (attempt === PORT_ATTEMPTS || !/port is already allocated|address already in use/.test(String(error))) throw error;
		}
	}
}

/** Readiness is the server's to tell, and asked for after every start, not only the first. */
const NO_WAIT = {
	waitUntilReady: async () => undefined,
	withStartupTimeout: () => NO_WAIT,
	isStartupTimeoutSet: () => true,
	getStartupTimeout: () => START_MS,
};

async function running(container: ControlledContainer, options: ContainerOptions, at: Address, origin: string): Promise<RunningContainer> {
	try {
		const version = await container.started();
		return {
			url: options.url(at),
			version,
			how: `Testcontainers (${origin})`,
			...at,
			peer: { host: await container.address(), port: options.port },
			start: () => container.start(),
			stop: () => container.stop(),
			kill: () => container.kill(),
			pause: () => container.pause(),
			resume: () => container.resume(),
			async restart() {
				await container.stop();
				await container.start();
			},
			logs: () => container.logs(),
			dispose: () => container.dispose(),
			[Symbol.asyncDispose]: () => container.dispose(),
		};
	} catch (error) {
		await container.dispose();
		throw error;
	}
}

type Container = ReturnType<ContainerRuntimeClient["container"]["getById"]>;

class ControlledContainer {
	readonly #client: ContainerRuntimeClient;
	readonly #container: Container;
	readonly #ready: (logged: Logged) => Promise<string>;
	#state: "running" | "paused" | "ended" = "running";
	#output = "";
	#starts = 0;

	constructor(client: ContainerRuntimeClient, id: string, ready: (logged: Logged) => Promise<string>) {
		this.#client = client;
		this.#container = client.container.getById(id);
		this.#ready = ready;
	}

	/** Waits for the server that has just been started; gives its version. */
	async started(): Promise<string> {
		this.#state = "running";
		this.#starts += 1;
		const { ended } = await this.#follow();
		const failed = ended.then(async () => {
			// The last lines may still be on their way.
			await delay(100);
			throw new Error(`the container ended:\n${this.#output.slice(-2000)}`);
		});
		failed.catch(() => undefined);
		return await Promise.race([this.#ready({ logs: () => this.#output, starts: this.#starts }), failed]);
	}

	async start(): Promise<void> {
		if (this.#state !== "ended") throw new Error("the container runs already");
		await this.#container.start();
		await this.started();
	}

	async stop(): Promise<void> {
		if (this.#state === "ended") return;
		// A frozen process sleeps through SIGTERM.
		await this.resume();
		this.#state = "ended";
		await this.#container.stop({ t: STOP_SECONDS });
	}

	async kill(): Promise<void> {
		if (this.#state === "ended") return;
		await this.resume();
		this.#state = "ended";
		await this.#container.kill();
		await this.#container.wait();
	}

	async pause(): Promise<void> {
		if (this.#state !== "running") return;
		this.#state = "paused";
		await this.#container.pause();
	}

	async resume(): Promise<void> {
		if (this.#state !== "paused") return;
		this.#state = "running";
		await this.#container.unpause();
	}

	logs(): string {
		return this.#output;
	}

	async address(): Promise<string> {
		const { NetworkSettings } = await this.#container.inspect();
		return Object.values(NetworkSettings.Networks)[0]?.IPAddress ?? "";
	}

	async dispose(): Promise<void> {
		this.#state = "ended";
		await this.#container.remove({ force: true, v: true }).catch((error: unknown) => {
			const isGone = typeof error === "object" && error !== null && "statusCode" in error && error.statusCode === 404;
			if (!isGone) throw error;
		});
	}

	/** Keeps its output from now on, beginning with what earlier starts wrote; gives the end of this start. */
	async #follow(): Promise<{ readonly ended: Promise<void> }> {
		const stream = await this.#client.container.logs(this.#container, { follow: true, stdout: true, stderr: true });
		this.#output = "";
		stream.on("data", (chunk: Buffer | string) => (this.#output += chunk.toString()));
		const end = Promise.withResolvers<void>();
		stream.once("end", end.resolve).once("close", end.resolve).once("error", end.resolve);
		return { ended: end.promise };
	}
}
