/* An S3 server on a free port of this machine, with one bucket called "snaps": its port is the first line. It ends
 * with its standard input. Usage: node bucket.js FOLDER */
const S3rver = require("@20minutes/s3rver");

const server = new S3rver({
    address: "127.0.0.1",
    port: 0,
    directory: process.argv[2],
    silent: false,
    allowMismatchedSignatures: false,
    configureBuckets: [{ name: "snaps" }],
});
server.run().then((at) => console.log(at.port));
process.stdin.resume().on("end", () => server.close().then(() => process.exit(0)));
