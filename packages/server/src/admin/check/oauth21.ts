/** OAuth 2.1: what the draft asks of an authorization server, in the words of its sections. */

import type { Client } from '../../domain/client/client.ts'
import { ruleOf } from '../client-profile-rules.ts'
import { type CheckedProfile, type Clause, type ClientFault, eachClient, refreshes, usesCode } from './clause.ts'
import { judgeAudiences, judgeTransport } from './alike.ts'

const nobodySignsIn = { none: 'no client sends people to the authorization endpoint' }

const clauses: readonly Clause[] = [
  { clause: '1.5', demand: 'every endpoint is reached over TLS', judge: judgeTransport },
  {
    clause: '2.3.1',
    demand: 'redirect URIs are registered in full and compared character for character',
    always: {
      reason: 'but for the port of a loopback literal (§8.4.2)',
      tests: ['RU-01', 'RU-04', 'RU-05', 'RU-06', 'RU-08'],
    },
  },
  {
    clause: '2.3.5',
    demand: 'what a registered redirect URI lacks or breaks is told to the person, and sent nowhere',
    always: { reason: 'on a page of our own', tests: ['RU-01', 'RU-03', 'RU-10'] },
  },
  {
    clause: '2.4',
    demand: 'one method of client authentication a request, and never the secret in the URL',
    always: { reason: 'and only the one that is registered', tests: ['CA-04', 'CA-15'] },
  },
  {
    clause: '2.4.1',
    demand: 'guessing of client secrets is held off',
    always: { reason: 'secrets have 256 bits, and wrong ones slow down who sends them', tests: ['CA-14'] },
  },
  {
    clause: '3.1',
    demand: 'an authorization request with a repeated parameter is refused, and unknown ones are left aside',
    always: {
      reason: 'before anything else',
      tests: [
        'is refused on our own page where a parameter is repeated or the query is too long',
        'ignores parameters it does not know, and languages it does not speak',
      ],
    },
  },
  {
    clause: '3.2',
    demand: 'the token endpoint takes POST alone, with each parameter once',
    always: { reason: 'and nothing from the query', tests: ['AC-11', 'RT-37'] },
  },
  {
    clause: '3.2.3',
    demand: 'answers with tokens are kept in no cache, and tell the scope',
    always: {
      reason: 'of every grant',
      tests: ['RT-46', 'RT-15'],
    },
  },
  {
    clause: '4.1.1',
    demand: 'PKCE of every client, with S256; a nonce instead only of confidential OpenID clients',
    judge: ({ clients }) =>
      eachClient(clients.filter(usesCode), ruleOf('5.3.2.2-5'), {
        met: 'PKCE with S256 of every client',
        ...nobodySignsIn,
      }),
  },
  {
    clause: '4.1.2',
    demand: 'codes are short-lived and good once',
    always: { reason: 'no setting makes them live for more than ten minutes', tests: ['AC-01', 'AC-02', 'AC-06'] },
  },
  {
    clause: '4.1.3',
    demand: 'a code is redeemed by its client, with its verifier and its redirect URI',
    always: { reason: 'or not at all', tests: ['AC-05', 'AC-07', 'PK-02', 'PK-03', 'PK-04'] },
  },
  {
    clause: '4.2',
    demand: 'client credentials are for confidential clients',
    always: {
      reason: 'a public client is refused',
      tests: ['is nothing for a public client, which has none of its own'],
    },
  },
  {
    clause: '4.3.1',
    demand: 'refresh tokens of public clients are rotated or bound to a key',
    always: {
      reason: 'nothing turns rotation off for them, and a replay is caught',
      tests: ['RT-07', 'RT-05', 'RT-29'],
    },
  },
  {
    clause: '4.3.1',
    demand: 'refresh tokens are for one client, and their scope does not grow',
    always: { reason: 'whatever is asked for', tests: ['RT-11', 'RT-15', 'RT-17'] },
  },
  {
    clause: '4.3.3',
    demand: 'refresh tokens end when they are not used',
    judge: ({ clients }) =>
      eachClient(clients.filter(refreshes), judgeIdleness, { met: 'of every client', none: 'no client gets any' }),
  },
  {
    clause: '5.1.1',
    demand: 'access tokens are taken from a header or a form, never from a URL',
    always: { reason: 'at userinfo, the one API of ours', tests: ['DP-13', 'RT-14'] },
  },
  {
    clause: '5.2',
    demand: 'an access token is verified: whose it is, for whom, until when, and whether it was revoked',
    always: { reason: 'at userinfo', tests: ['JW-01', 'JW-07', 'IN-05', 'takes no access token from the query'] },
  },
  {
    clause: '7.1.4',
    demand: 'access tokens are for an audience',
    judge: judgeAudiences,
  },
  {
    clause: '7.3',
    demand: 'a client that cannot prove who it is gets nothing without the person',
    always: { reason: 'a public client asks every time', tests: ['CK-12'] },
  },
  {
    clause: '1.6, 7.5.4',
    demand: 'browsers are redirected by 303, never by 307',
    always: { reason: 'there is one function for redirects', tests: ['is sent on by 303 and by nothing else'] },
  },
  {
    clause: '7.11',
    demand: 'pages cannot be framed',
    always: { reason: 'by policy and by header', tests: ['CK-04'] },
  },
  {
    clause: '7.13.2',
    demand: 'there is no open redirector',
    always: { reason: 'an answer goes to a registered address or nowhere', tests: ['RU-01', 'RU-10', 'RU-11'] },
  },
  {
    clause: '7.15',
    demand: 'a client can tell which server answered',
    always: { reason: 'iss is in every answer (RFC 9207)', tests: ['MX-01'] },
  },
  {
    clause: '8.4',
    demand: 'native applications return by https, by loopback, or by a scheme that is a reversed domain name',
    always: { reason: 'no other address can be registered', tests: ['RU-09', 'RU-04'] },
  },
  {
    clause: '10, 10.1',
    demand: 'there is no implicit and no password grant',
    always: {
      reason: 'neither is there',
      tests: ['AC-12', 'lists the grant types the token endpoint knows, and it knows no other'],
    },
  },
]

export const oauth21: CheckedProfile = { title: 'OAuth 2.1', clauses }

function judgeIdleness({ idleSeconds, absoluteSeconds }: Client): ClientFault | null {
  if (idleSeconds < absoluteSeconds) return null
  return {
    reason: 'its families may lie unused for as long as they live',
    change: `say --idle-seconds with less than ${absoluteSeconds}`,
  }
}
