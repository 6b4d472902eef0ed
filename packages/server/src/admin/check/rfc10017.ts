/** RFC 10017, OAuth 2.0 for Browser-Based Applications: what it asks of an authorization server. */

import { type Client, isBound } from '../../domain/client/client.ts'
import { type CheckedProfile, type Clause, type ClientFault, eachClient, refreshes } from './clause.ts'
import { judgeAudiences, judgeTransport } from './alike.ts'

const noPage = { none: 'no page in a browser gets refresh tokens (kind spa with --refresh)' }

const clauses: readonly Clause[] = [
  { clause: '6', demand: 'every endpoint is reached over TLS', judge: judgeTransport },
  {
    clause: '6.1, 6.2',
    demand: 'a backend for a page is a confidential client',
    always: {
      reason: 'kinds web and bff are, and a confidential client never becomes public',
      tests: ['CK-12', 'PK-01', 'CA-01 is refused at every endpoint, and nothing has changed'],
    },
  },
  {
    clause: '6.3.2.1',
    demand: 'PKCE of every page',
    always: { reason: 'no public client may do without', tests: ['PK-01', 'PK-02'] },
  },
  {
    clause: '6.3.2.3',
    demand: 'refresh tokens of pages are rotated or bound to a key',
    judge: ({ clients }) =>
      eachClient(pagesWithRefresh(clients), judgeBinding, { met: 'they are rotated, and bound to a key', ...noPage }),
  },
  {
    clause: '6.3.2.3',
    demand: 'refresh tokens end, and no rotation moves that end',
    always: {
      reason: 'unused, and at the absolute end of their family',
      tests: ['RT-19', 'RT-43 whose lifetimes were lengthened'],
    },
  },
  {
    clause: '6.3.2.3',
    demand: 'refresh tokens of pages end with the session of their user',
    judge: ({ clients }) => eachClient(pagesWithRefresh(clients), judgeSession, { met: 'they do', ...noPage }),
  },
  {
    clause: '6.3.3.1',
    demand: 'no page is asked for a shared secret',
    always: { reason: 'kind spa has none, and one that is sent is refused', tests: ['CA-04', 'CM-10'] },
  },
  {
    clause: '6.3.3.2',
    demand: 'nobody gets a code without the person, unless it is certain who asks',
    always: {
      reason: 'a public client asks every time, but for first parties on https',
      tests: [
        'CK-12',
        'is not asked of a first-party client where its identity is certain, but always by prompt=consent',
      ],
    },
  },
  {
    clause: '6.3.3.2.1',
    demand: 'redirect URIs are compared exactly',
    always: { reason: 'character for character', tests: ['RU-01', 'RU-05', 'RU-08'] },
  },
  {
    clause: '6.3.3.4',
    demand: 'pages may call the endpoints that are for them, and no other',
    always: {
      reason:
        'from origins of registered redirect URIs; metadata and keys are for everybody, the authorization endpoint for nobody',
      tests: [
        'RV-18',
        'may be kept by anyone for as long as the publish rule of keys allows',
        'lets no page of another origin read what the authorization endpoint answers',
      ],
    },
  },
  {
    clause: '7.2, 7.3',
    demand: 'no token in an authorization response, and no password grant',
    always: { reason: 'neither is there', tests: ['AC-12', 'lists the grant types the token endpoint knows'] },
  },
  {
    clause: '9.1',
    demand: 'tokens are worth no more than they have to be',
    judge: judgeAudiences,
  },
  {
    clause: '9.3',
    demand: 'a page can tell which server answered',
    always: { reason: 'iss is in every answer (RFC 9207)', tests: ['MX-01'] },
  },
]

export const rfc10017: CheckedProfile = { title: 'RFC 10017, OAuth 2.0 for Browser-Based Applications', clauses }

function pagesWithRefresh(clients: readonly Client[]): readonly Client[] {
  return clients.filter(client => client.kind === 'spa' && refreshes(client))
}

function judgeBinding(client: Client): ClientFault | null {
  return isBound(client) ? null : { reason: 'its families are bound to no key', change: 'say --dpop' }
}

/** What is opened with `offline_access` outlives the session (OIDC Core §11). */
function judgeSession({ scopes }: Client): ClientFault | null {
  if (!scopes.includes('offline_access')) return null
  return { reason: 'it may ask for offline_access', change: 'leave that out of its --scope' }
}
