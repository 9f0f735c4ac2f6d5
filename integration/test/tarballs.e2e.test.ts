// The README's application in a project of its own, with what is published: tarballs instead of this repository's sources.
import { tmpdir } from "node:os";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Backend, BACKENDS, reportBackend, type RunningBackend, startBackend } from "../src/backends.ts";
import { type Ended, PackedProject } from "../src/packed-project.ts";

const PROGRAM = "app.ts";
const ADAPTERS = [
	{ backend: "redis-streams", name: "@polylog/redis-streams", scheme: "redis" },
	{ backend: "rabbitmq", name: "@polylog/rabbitmq", scheme: "amqp" },
	{ backend: "kafka", name: "@polylog/kafka", scheme: "kafka" },
] as const;

const ALL = { code: 0, stderr: "", billed: Array.from({ length: 20 }, (_, i) => 3 * (i + 1)), lag: "0n" };

function bill({ code, stdout, stderr }: Ended): typeof ALL {
	const totals = [...stdout.matchAll(/^partition \d offset \d+: customer c\d pays (\d+)$/gm)].map(([, total]) => Number(total));
	return { code, stderr, billed: totals.toSorted((a, b) => a - b), lag: /^lag (\S+)$/m.exec(stdout)?.[1] ?? "none" };
}

describe("the README's application with the packed packages", { timeout: 240_000 }, () => {
	let project: PackedProject;
	const running = new Map<Backend, RunningBackend>();

	beforeAll(async () => {
		const start = async (backend: Backend) => running.set(backend, await startBackend(backend));
		await Promise.all([PackedProject.create().then((created) => (project = created)), ...BACKENDS.map(start)]);
		await project.add("examples/orders/app.ts", PROGRAM);
	}, 600_000);

	afterAll(async () => {
		for (const backend of running.values()) await backend[Symbol.asyncDispose]();
		await project?.[Symbol.asyncDispose]();
	});

	it.for(BACKENDS)("bills every order once on %s", async (backend, context) => {
		reportBackend(context, backend, running.get(backend));
		expect(bill(await project.run(PROGRAM, running.get(backend)?.url ?? ""))).toEqual(ALL);
	});

	it("finds its adapter from another working directory too", async (context) => {
		reportBackend(context, "redis-streams", running.get("redis-streams"));
		const { stderr } = await project.run(PROGRAM, "redis://127.0.0.1:1", tmpdir());
		expect(stderr).toContain("connecting to redis://127.0.0.1:1");
		expect(stderr).not.toContain("npm install");
	});

	it("has types that a strict compiler accepts", async () => {
		expect(await project.compile(PROGRAM)).toBe("");
	});

	it("has its adapter found from the application, wherever core lies", async (context) => {
		reportBackend(context, "redis-streams", running.get("redis-streams"));
		await project.linkCore();
		expect(bill(await project.run(PROGRAM, running.get("redis-streams")?.url ?? ""))).toEqual(ALL);
		// Not from where core lies: from a folder without it there is none.
		const { stderr } = await project.run(PROGRAM, "redis://127.0.0.1:1", tmpdir());
		expect(stderr).toContain("npm install @polylog/redis-streams");
	});

	it("says in one line what to install where an adapter is missing", async (context) => {
		reportBackend(context, "memory", running.get("memory"));
		await project.uninstall(...ADAPTERS.map(({ name }) => name));
		for (const { name, scheme } of ADAPTERS) {
			const { code, stderr } = await project.run(PROGRAM, `${scheme}://127.0.0.1:1`);
			expect(code).toBe(1);
			expect(stderr).toMatch(
				new RegExp(`^PolylogError.*: URLs of ${scheme}: need the package ${name}, which is not installed: npm install ${name}$`, "m"),
			);
		}
		expect(bill(await project.run(PROGRAM, "memory:"))).toEqual(ALL);
	});
});
