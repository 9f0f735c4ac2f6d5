// One member as a process: started by crew.ts with the module of its work, its name, the run and the size of a batch.
import { connect } from "@polylog/core";
import type { Worker } from "./crew.ts";

const [module = "", name = "", run = "", batch = ""] = process.argv.slice(2);
// Ctrl-C reaches the whole process group: the parent decides what happens then.
process.on("SIGINT", () => {});
// Without its parent nobody stops it.
const orphaned = () => process.exit(1);
process.once("disconnect", orphaned);
const { work } = (await import(module)) as Pick<Worker, "work">;
const broker = await connect({ url: process.env["POLYLOG_URL"] ?? "", clientId: name });
process.once("message", () => void broker.close({ deadlineMs: 5_000 }));
await work(broker, run, Number(batch));
await broker.close();
process.off("disconnect", orphaned);
if (process.connected) process.disconnect();
