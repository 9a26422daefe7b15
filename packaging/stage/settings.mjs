// Values of a settings file.
export const quoted = (text) => JSON.stringify(String(text));

function setting(value) {
  if (Array.isArray(value)) return `{${value.map(setting).join(', ')}}`;
  return typeof value === 'string' ? quoted(value) : value;
}

/** The lines of a section. */
export const members = (section) => Object.entries(section)
  .map(([name, value]) => `  ${name} = ${setting(value)}`).join('\n');

/** Where the broker is: one server, or the list of several. */
export const brokerAt = (ports) => (ports.length === 1
  ? { host: 'localhost', port: ports[0] }
  : { hosts: ports.map((port) => `localhost:${port}`) });
