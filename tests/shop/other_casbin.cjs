// Casbin for JavaScript reads MODEL and POLICY by itself and answers each [role, resource, action, rows] of the standard
// input with true or false: node other_casbin.cjs MODEL POLICY < questions.json
const { newEnforcer } = require("casbin");

async function main() {
  const [model, policy] = process.argv.slice(2);
  const enforcer = await newEnforcer(model, policy);
  const chunks = [];
  for await (const chunk of process.stdin) chunks.push(chunk);
  const questions = JSON.parse(Buffer.concat(chunks).toString());
  const answers = [];
  for (const question of questions) answers.push(await enforcer.enforce(...question));
  process.stdout.write(JSON.stringify(answers));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
