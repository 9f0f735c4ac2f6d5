// What a configuration must never do: show a secret, or blame the wrong thing.
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterEach, beforeEach, expect, it } from "vitest";
import { parseBackendUrl } from "../src/config/backend-url.ts";
import { loadAdapter } from "../src/config/load-adapter.ts";
import { loadConfig } from "../src/config/load-config.ts";
import { type Adapter, connect } from "../src/index.ts";
import { memoryAdapter } from "../src/memory/memory-driver.ts";

let folder: string;
beforeEach(async () => {
	folder = await mkdtemp(join(tmpdir(), "polylog-safety-"));
});
afterEach(() => rm(folder, { recursive: true }));

it.each(["redis://user:p@s3cr3t@host:6379", "redis://user:12/s3cr3t@host:6379/0"])(
	"refuses a URL whose password is not encoded, and shows none of it",
	(url) => {
		expect(() => parseBackendUrl(url)).toThrow(
			expect.objectContaining({ code: "CONFIG_INVALID", message: expect.not.stringContaining("s3cr3t") as string }) as Error,
		);
	},
);

it.each(['{"url": "redis://u:s3cr3t@h", }', '{"url": s3cr3t}', '{"url": "redis://u:s3cr3t@h"'])(
	"quotes nothing of a configuration that is no JSON",
	async (text) => {
		await writeFile(join(folder, "polylog.config.json"), text);
		const failed = await loadConfig(undefined, { env: {}, cwd: folder }).catch((error: unknown) => error);
		expect(failed).toMatchObject({ code: "CONFIG_INVALID" });
		expect(inspect(failed)).not.toContain("s3cr3t");
	},
);

it("quotes nothing of a TypeScript configuration with an error in it", async () => {
	await writeFile(join(folder, "polylog.config.ts"), 'export default { url: "redis://u:s3cr3t@h" + };');
	const failed = await loadConfig(undefined, { env: {}, cwd: folder }).catch((error: unknown) => error);
	expect(failed).toMatchObject({ code: "CONFIG_INVALID" });
	expect(inspect(failed)).not.toContain("s3cr3t");
});

it.each([{}, { url: undefined }, { url: 7 }, 42])("says that the url is missing: %j", async (target) => {
	await expect(connect(target as never)).rejects.toMatchObject({
		code: "CONFIG_INVALID",
		message: expect.stringContaining("url") as string,
	});
});

it("takes an empty POLYLOG_ENV for none, and environments that are no object for an error", async () => {
	await writeFile(join(folder, "polylog.config.json"), '{"environments": {"default": {"url": "memory:x"}}}');
	expect((await loadConfig(undefined, { env: { POLYLOG_ENV: "" }, cwd: folder })).url).toBe("memory:x");
	await writeFile(join(folder, "polylog.config.json"), '{"environments": null}');
	await expect(loadConfig(undefined, { env: {}, cwd: folder })).rejects.toMatchObject({ code: "CONFIG_INVALID" });
});

it("scrubs secrets that lie deeper in an adapter's options", async () => {
	const adapter: Adapter = {
		name: "toy",
		schemes: ["toy"],
		create: (target, context) =>
			Object.assign(Object.create(memoryAdapter.create({ ...target, options: {} }, context)), {
				connect: () => Promise.reject(new Error("login with s3cr3t failed")),
				classify: () => ({ code: "UNAUTHORIZED" }),
				destroy: () => {},
			}),
	};
	const failed = await connect({ url: "toy:", adapters: { toy: adapter }, toy: { sasl: { password: "s3cr3t" } } }).catch(
		(error: unknown) => error,
	);
	expect(failed).toMatchObject({ code: "UNAUTHORIZED" });
	expect(inspect(failed, { depth: 9 })).not.toContain("s3cr3t");
});

const install = async (name: string, source: string, manifest: object = {}) => {
	const at = join(folder, "node_modules", name);
	await mkdir(at, { recursive: true });
	await writeFile(join(at, "package.json"), JSON.stringify({ name, version: "1.0.0", type: "module", exports: "./index.js", ...manifest }));
	await writeFile(join(at, "index.js"), source);
};

it("finds a third party's adapter by name in the application's own folder, under any export condition", async () => {
	const source = 'export const adapter = { name: "x", schemes: ["x"], create() {} };';
	await install("polylog-adapter-one", source);
	await install("polylog-adapter-two", source, { exports: { ".": { import: "./index.js" } } });
	expect(await loadAdapter("one", {}, folder)).toMatchObject({ name: "x" });
	expect(await loadAdapter("two", {}, folder)).toMatchObject({ name: "x" });
	expect(await loadAdapter("three", { three: "polylog-adapter-one" }, folder)).toMatchObject({ name: "x" });
});

it("names what an adapter's package lacks, rather than the package that is installed", async () => {
	await install("polylog-adapter-broken", 'import "no-such-client"; export const adapter = {};');
	await expect(loadAdapter("broken", {}, folder)).rejects.toMatchObject({
		code: "ADAPTER_MISSING",
		message: expect.stringMatching(/polylog-adapter-broken.*no-such-client/s) as string,
	});
	await expect(loadAdapter("broken", {}, folder)).rejects.not.toMatchObject({ message: expect.stringContaining("npm install") as string });
});
