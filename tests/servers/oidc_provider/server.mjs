// A strict OpenID provider with its development pages, for tests:
//
//   node server.mjs PORT
//
// Any login name is a user, whatever the password; a name such as "ada+lab+staff" is user ada in
// the groups lab and staff. Clients register themselves (RFC 7591).

import Provider from "oidc-provider";

const port = Number(process.argv[2]);
const issuer = `http://127.0.0.1:${port}`;

function findAccount(_context, login) {
  const [name, ...groups] = login.split("+");
  const claims = { preferred_username: name, name: `The ${name}`, email: `${name}@example.org` };
  return { accountId: login, claims: () => ({ sub: login, ...claims, groups }) };
}

const provider = new Provider(issuer, {
  findAccount,
  claims: {
    openid: ["sub"],
    profile: ["name", "preferred_username", "groups"],
    email: ["email"],
  },
  // Claims of scopes stand in the id token too, as most providers have it.
  conformIdTokenClaims: false,
  cookies: { keys: ["a secret of the test server alone"] },
  features: {
    devInteractions: { enabled: true },
    deviceFlow: { enabled: true },
    registration: { enabled: true },
    rpInitiatedLogout: { enabled: true },
  },
  pkce: { required: () => true },
});

provider.listen(port, "127.0.0.1");
