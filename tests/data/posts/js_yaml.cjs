// Reads YAML documents (a JSON list on standard input) with js-yaml, prints what they hold, as JSON.
const { createRequire } = require("module");
const yaml = createRequire(process.cwd() + "/package.json")("js-yaml");

const documents = JSON.parse(require("fs").readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(documents.map((document) => yaml.load(document))));
