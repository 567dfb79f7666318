import { apiServerMain, runProgram } from "#cluster";

await runProgram(apiServerMain);
