// A member of the second group, for a process of its own.
import { SECOND, trainWith } from "./trainer.ts";

export const work = trainWith(SECOND);
