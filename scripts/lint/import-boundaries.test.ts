import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { forbiddenImport } from "./import-boundaries.ts";

const root = resolve(import.meta.dirname, "../..");
const reason = (file: string, specifier: string) => forbiddenImport(join(root, file), specifier);

const core = "packages/core/src/consumer-group/lane.ts";
const adapter = "packages/redis-streams/src/driver.ts";
const kit = "packages/conformance/src/index.ts";

describe("import boundaries", () => {
	it.each([
		[core, "ioredis"],
		[core, "@polylog/redis-streams"],
		[core, "@polylog/core"],
		[core, "zod"],
		[core, "fs"],
		[core, "../../../redis-streams/src/index.ts"],
		["packages/core/src/x.test.ts", "ioredis"],
		["packages/core/src/x.test.ts", "@polylog/redis-streams"],
		[adapter, "kafkajs"],
		[adapter, "eventemitter3"],
		[adapter, "@polylog/conformance"],
		[adapter, "@polylog/core/testing"],
		[adapter, "@polylog/core/src/errors.ts"],
		[adapter, "../../core/src/errors.ts"],
		[kit, "ioredis"],
		[kit, "vitest"],
		[kit, "@polylog/redis-streams"],
		["integration/src/a.int.test.ts", "../../packages/core/src/errors.ts"],
		["integration/src/a.int.test.ts", "@polylog/core/src/errors.ts"],
		["examples/first-light/main.ts", "@polylog/core/internal"],
	])("%s must not import %s", (file, specifier) => {
		expect(reason(file, specifier)).toBeTypeOf("string");
	});

	it.each([
		[core, "../errors.ts"],
		[core, "node:crypto"],
		[core, "eventemitter3"],
		[core, "@standard-schema/spec"],
		["packages/core/src/x.test.ts", "vitest"],
		["packages/core/src/x.model.test.ts", "fast-check"],
		["packages/core/test/conformance.test.ts", "@polylog/conformance"],
		[adapter, "ioredis"],
		[adapter, "@polylog/core/driver"],
		["packages/redis-streams/test/harness.ts", "@polylog/conformance"],
		[kit, "@polylog/core/testing"],
		["integration/src/a.int.test.ts", "@polylog/redis-streams"],
		["integration/src/a.int.test.ts", "ioredis"],
		["examples/first-light/main.ts", "@polylog/core"],
	])("%s may import %s", (file, specifier) => {
		expect(reason(file, specifier)).toBeUndefined();
	});
});
