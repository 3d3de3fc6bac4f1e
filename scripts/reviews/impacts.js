// What a change does to each resource: {before, after} by unit on stdin, {unit: {logical id: {impact, properties}}} on stdout.
const { fullDiff } = require("@aws-cdk/cloudformation-diff");

function impactsOf({ before, after }) {
  const found = {};
  fullDiff(before, after).resources.forEachDifference((logicalId, change) => {
    const properties = {};
    for (const [name, update] of Object.entries(change.propertyUpdates)) {
      properties[name] = update.changeImpact;
    }
    found[logicalId] = { impact: change.changeImpact, properties };
  });
  return found;
}

const units = JSON.parse(require("fs").readFileSync(0, "utf-8"));
const impacts = {};
for (const [unit, templates] of Object.entries(units)) {
  impacts[unit] = impactsOf(templates);
}
process.stdout.write(JSON.stringify(impacts));
