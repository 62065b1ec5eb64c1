// Validate a GLB file and print the issues, as JSON. Arguments: the folder of node_modules, and the file.
const [modules, file] = process.argv.slice(2);
const validator = require(modules + "/gltf-validator");
const content = new Uint8Array(require("fs").readFileSync(file));
validator.validateBytes(content).then((report) => console.log(JSON.stringify(report.issues)));
