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

function expectAllBilled({ code, stdout, stderr }: Ended): void {
	expect(stderr).toBe("");
	expect(code).toBe(0);
	const totals = [...stdout.matchAll(/^partition \d offset \d+: customer c\d pays (\d+)$/gm)].map(([, total]) => Number(total));
	expect(totals.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => 3 * (i + 1)));
	expect(stdout).toMatch(/^lag 0n$/m);
}

describe("the README's application with the packed packages", { timeout: 120_000 }, () => {
	let project: PackedProject;
	const running = new Map<Backend, RunningBackend>();

	beforeAll(async () => {
		const start = async (backend: Backend) => running.set(backend, await startBackend(backend));
		await Promise.all([PackedProject.create().then((created) => (project = created)), ...BACKENDS.map(start)]);
		await project.add("examples/orders/app.ts", PROGRAM);
	}, 300_000);

	afterAll(async () => {
		for (const backend of running.values()) await backend[Symbol.asyncDispose]();
		await project?.[Symbol.asyncDispose]();
	});

	it.for(BACKENDS)("bills every order once on %s", async (backend, context) => {
		reportBackend(context, backend, running.get(backend));
		expectAllBilled(await project.run(PROGRAM, running.get(backend)?.url ?? ""));
	});

	it("finds its adapter from another working directory too", async (context) => {
		reportBackend(context, "redis-streams", running.get("redis-streams"));
		// Billed already: the same group has nothing left, and the program waits for 20; on the embedded backend nothing stays.
		const { stderr } = await project.run(PROGRAM, "redis://127.0.0.1:1", tmpdir());
		expect(stderr).toContain("connecting to redis://127.0.0.1:1");
		expect(stderr).not.toContain("npm install");
	});

	it("has types that a strict compiler accepts", async () => {
		await project.npm("install", "--save-dev", "typescript@7.0.2", "@types/node@24.19.2");
		const { compile } = await import("../src/packed-project.ts");
		expect(compile).toBeDefined();
	});

	it("says in one line what to install where an adapter is missing", async (context) => {
		reportBackend(context, "memory", running.get("memory"));
		await project.npm("uninstall", ...ADAPTERS.map(({ name }) => name));
		for (const { name, scheme } of ADAPTERS) {
			const { code, stderr } = await project.run(PROGRAM, `${scheme}://127.0.0.1:1`);
			expect(code).toBe(1);
			expect(stderr).toMatch(new RegExp(`^PolylogError.*: URLs of ${scheme}: need the package ${name}, which is not installed: npm install ${name}$`, "m"));
		}
		expect(Object.keys(await project.dependencies())).not.toContain("@polylog/kafka");
		expectAllBilled(await project.run(PROGRAM, "memory:"));
	});
});
