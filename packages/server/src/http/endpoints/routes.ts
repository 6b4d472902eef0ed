/** The public surface: every path there is. Metadata lists the same ones. */

import type { AuthorizationServer } from '../../oauth/authorization-server.ts'
import { choosePasswordPath } from '../../oauth/account/password-by-mail.ts'
import { endpointPaths } from '../../oauth/metadata.ts'
import { forgottenPath } from '../pages/password-pages.ts'
import { upstreamCallbackPath } from '../../oauth/upstream/provider.ts'
import type { Route, RouterParts } from '../router.ts'
import { attestationChallengeEndpoint } from './attestation-challenge.ts'
import { accountEndpoint } from './account.ts'
import { accountPath, accountSignInEndpoint, accountSignInPath } from './account-sign-in.ts'
import { authorizeEndpoint, continueEndpoint } from './authorize.ts'
import { consentEndpoint } from './consent.ts'
import { deviceAuthorizationEndpoint, deviceEndpoint } from './device.ts'
import { jwksEndpoint, metadataEndpoint } from './metadata.ts'
import { pageFailure } from './page-answers.ts'
import { scriptRoutes } from './page-scripts.ts'
import { choosePasswordEndpoint, forgottenEndpoint, recentMailsEndpoint } from './password.ts'
import { pushEndpoint } from './push.ts'
import { registrationEndpoint } from './registration.ts'
import { revocationFeedEndpoint } from './revocation-feed.ts'
import { secondFactorEndpoint } from './second-factor.ts'
import { signInEndpoint } from './sign-in.ts'
import { homeEndpoint, logoutEndpoint, signOutEndpoint } from './sign-out.ts'
import { statusListsEndpoint } from './status-lists.ts'
import { introspectionEndpoint, revocationEndpoint, tokenEndpoint } from './token.ts'
import { upstreamCallbackEndpoint } from './upstream.ts'
import { userinfoEndpoint } from './userinfo.ts'

export function publicRoutes(
  server: AuthorizationServer,
  parts: Pick<RouterParts, 'onRefusal' | 'failureDelay'>,
): readonly Route[] {
  return [
    ...applicationRoutes(server, parts),
    ...registrationRoutes(server),
    ...pageRoutes(server, parts),
    ...scriptRoutes(),
  ]
}

/** What an application calls with its certificate. No browser is sent to any of these. */
export function applicationRoutes(
  server: AuthorizationServer,
  parts: Pick<RouterParts, 'failureDelay'>,
): readonly Route[] {
  return [...protocolRoutes(server, parts), ...metadataRoutes(server)]
}

function protocolRoutes(server: AuthorizationServer, parts: Pick<RouterParts, 'failureDelay'>): readonly Route[] {
  const post = { methods: ['POST'], cors: 'token' } as const
  return [
    { ...post, path: endpointPaths.token, endpoint: tokenEndpoint(server) },
    { ...post, path: endpointPaths.challenge, endpoint: attestationChallengeEndpoint(server) },
    { ...post, path: endpointPaths.push, endpoint: pushEndpoint(server) },
    { ...post, path: endpointPaths.deviceAuthorization, endpoint: deviceAuthorizationEndpoint(server) },
    { ...post, path: endpointPaths.revoke, endpoint: revocationEndpoint(server) },
    {
      ...post,
      path: endpointPaths.introspect,
      cors: 'none',
      endpoint: introspectionEndpoint(server, parts.failureDelay),
    },
    { ...post, path: endpointPaths.revocationFeed, cors: 'none', endpoint: revocationFeedEndpoint(server) },
    { path: endpointPaths.userinfo, methods: ['GET', 'POST'], cors: 'token', endpoint: userinfoEndpoint(server) },
  ]
}

/** Anybody's page may register where anybody may: no cookie counts here, and a token is in a header. */
function registrationRoutes(server: AuthorizationServer): readonly Route[] {
  if (server.rules.registration === 'off') return []
  const methods = ['GET', 'POST', 'PUT', 'DELETE']
  return [{ path: endpointPaths.register, methods, cors: 'public', endpoint: registrationEndpoint(server) }]
}

function metadataRoutes(server: AuthorizationServer): readonly Route[] {
  const get = { methods: ['GET'], cors: 'public' } as const
  const base = new URL(server.issuer).pathname.replace(/\/$/, '')
  const endpoint = metadataEndpoint(server)
  const routes: Route[] = [
    { ...get, path: endpointPaths.jwks, endpoint: jwksEndpoint(server) },
    { ...get, path: '/.well-known/openid-configuration', endpoint },
    { ...get, path: '/.well-known/oauth-authorization-server', endpoint },
  ]
  const { statusLists } = server
  if (statusLists !== null) {
    routes.push({ ...get, path: endpointPaths.statusLists, endpoint: statusListsEndpoint(statusLists) })
  }
  // RFC 8414 §3.1 puts the well-known part before the issuer's own path.
  if (base !== '') routes.push({ ...get, path: `/.well-known/oauth-authorization-server${base}`, endpoint })
  return routes
}

function pageRoutes(server: AuthorizationServer, parts: Pick<RouterParts, 'onRefusal'>): readonly Route[] {
  const page = { cors: 'none', failure: pageFailure(server) } as const
  return [
    { ...page, path: '/', methods: ['GET'], endpoint: homeEndpoint(server) },
    {
      ...page,
      path: endpointPaths.authorize,
      methods: ['GET', 'POST'],
      endpoint: authorizeEndpoint(server, parts.onRefusal),
    },
    { ...page, path: '/continue', methods: ['GET'], endpoint: continueEndpoint(server) },
    { ...page, path: '/sign-in', methods: ['POST'], endpoint: signInEndpoint(server) },
    { ...page, path: '/second-factor', methods: ['POST'], endpoint: secondFactorEndpoint(server) },
    { ...page, path: accountPath, methods: ['GET', 'POST'], endpoint: accountEndpoint(server) },
    { ...page, path: accountSignInPath, methods: ['GET', 'POST'], endpoint: accountSignInEndpoint(server) },
    { ...page, path: choosePasswordPath, methods: ['GET', 'POST'], endpoint: choosePasswordEndpoint(server) },
    ...mailRoutes(server, page),
    { ...page, path: upstreamCallbackPath, methods: ['GET'], endpoint: upstreamCallbackEndpoint(server) },
    { ...page, path: endpointPaths.device, methods: ['GET', 'POST'], endpoint: deviceEndpoint(server) },
    { ...page, path: '/consent', methods: ['POST'], endpoint: consentEndpoint(server) },
    { ...page, path: endpointPaths.logout, methods: ['GET', 'POST'], endpoint: logoutEndpoint(server) },
    { ...page, path: '/sign-out', methods: ['POST'], endpoint: signOutEndpoint(server) },
  ]
}

/** What asks for mail is there where mail goes out; what shows it, where it goes nowhere. */
function mailRoutes(server: AuthorizationServer, page: Pick<Route, 'cors' | 'failure'>): readonly Route[] {
  if (server.mailer === null) return []
  const forgotten = { ...page, path: forgottenPath, methods: ['GET', 'POST'], endpoint: forgottenEndpoint(server) }
  const isShown = server.mailer.keepsRecent
  return isShown
    ? [forgotten, { ...page, path: '/dev/mail', methods: ['GET'], endpoint: recentMailsEndpoint(server) }]
    : [forgotten]
}
