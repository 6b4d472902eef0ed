/** FAPI 2.0 Security Profile: what it asks of an authorization server, clause by clause. */

import { type Client, isPublicClient, keepsRefreshToken } from '../../domain/client/client.ts'
import { allowsAlgorithm, codeSecondsFor, fapi2CodeSecondsMax } from '../../domain/client/client-profile.ts'
import { ruleOf } from '../client-profile-rules.ts'
import {
  type CheckedProfile,
  type Clause,
  type ClientFault,
  eachClient,
  failed,
  type Judgement,
  met,
  refreshes,
  type Situation,
  usesCode,
} from './clause.ts'
import { judgeAudiences, judgeConsent, judgeTransport, takesCertificates } from './alike.ts'

const toProfile = 'say --profile fapi2'
const none = { none: 'no client is registered yet' }
const nobodySignsIn = { none: 'no client sends people to the authorization endpoint' }

const general: readonly Clause[] = [
  {
    clause: '5.2.1',
    demand: 'every endpoint is reached over TLS',
    judge: judgeTransport,
  },
  {
    clause: '5.3.2.1-1',
    demand: 'metadata is published as OpenID Connect Discovery or RFC 8414 say',
    always: {
      reason: 'both documents are always there',
      tests: ['discovers the server by either document, from the issuer alone'],
    },
  },
  {
    clause: '5.3.2.1-2',
    demand: 'the password grant is refused',
    always: {
      reason: 'there is no such grant',
      tests: ['lists the grant types the token endpoint knows, and it knows no other'],
    },
  },
  {
    clause: '5.3.2.1-3',
    demand: 'clients are confidential',
    judge: byRule('5.3.2.1-3', { met: 'every client proves who it is', ...none }),
  },
  {
    clause: '5.3.2.1-4, -5',
    demand: 'access tokens are bound to a key of the client, by DPoP or mTLS',
    judge: byRule('5.3.2.1-5', { met: 'every client shows a key in every token request', ...none }),
  },
  {
    clause: '5.3.2.1-6',
    demand: 'clients authenticate by private_key_jwt or mTLS',
    judge: judgeMethods,
  },
  {
    clause: '5.3.2.1-7',
    demand: 'there is no open redirector',
    always: {
      reason: 'an answer goes to a registered address or nowhere',
      tests: ['RU-01', 'RU-10', 'RU-11'],
    },
  },
  {
    clause: '5.3.2.1-8',
    demand: 'the audience of an assertion is the issuer, as a string',
    judge: ({ clients }) =>
      eachClient(clients.filter(signsAssertions), profiled('a list with the issuer in it passes for the issuer'), {
        met: 'a list is refused',
        none: 'no client signs assertions',
      }),
  },
  {
    clause: '5.3.2.1-9',
    demand: 'refresh tokens are not rotated',
    judge: ({ clients }) =>
      eachClient(clients.filter(refreshes), judgeRotation, {
        met: 'every client keeps its refresh token',
        none: 'no client gets refresh tokens',
      }),
  },
  {
    clause: '5.3.2.1-10',
    demand: 'DPoP proofs may be asked for a nonce of the server',
    judge: ({ settings }) => met(settings.dpopNonces ? 'they are' : 'they are not: --dpop-nonces would'),
  },
  {
    clause: '5.3.2.1-11',
    demand: 'codes live a minute at most',
    judge: ({ clients, settings }) =>
      eachClient(clients.filter(usesCode), client => judgeCode(client, settings.codeSeconds), {
        met: `codes live at most ${Math.min(settings.codeSeconds, fapi2CodeSecondsMax)} seconds`,
        ...nobodySignsIn,
      }),
  },
  {
    clause: '5.3.2.1-12',
    demand: 'a code can be bound to a DPoP key',
    always: {
      reason: 'by dpop_jkt and by the proof of a pushed request',
      tests: ['DP-15', 'PR-02 binds its code to the key of the proof it came with, as dpop_jkt would'],
    },
  },
  {
    clause: '5.3.2.1-13',
    demand: 'JWTs up to 10 seconds ahead are taken, more than 60 seconds ahead are not',
    always: {
      reason: 'clocks of clients that run on a server may be 30 seconds ahead, with a nonce 60',
      tests: [
        'DP-08 is never more than a minute ahead of a client that runs on a server, nonce or none',
        'takes what is ten seconds ahead, and nothing that is more than a minute ahead',
      ],
    },
  },
  {
    clause: '5.3.2.1-14',
    demand: 'access tokens are for what they are needed for',
    judge: judgeAudiences,
  },
]

const authorization: readonly Clause[] = [
  {
    clause: '5.3.2.2-1',
    demand: 'the response type is code',
    always: { reason: 'there is no other', tests: ['AC-12'] },
  },
  {
    clause: '5.3.2.2-2',
    demand: 'requests can be pushed',
    always: { reason: '/par is always there', tests: ['pushes a request and signs a person in with it, once'] },
  },
  {
    clause: '5.3.2.2-3',
    demand: 'requests that were not pushed are refused',
    judge: ({ clients, settings }) =>
      settings.requirePushedRequests
        ? met('the server asks every client for it')
        : eachClient(clients.filter(usesCode), ruleOf('5.3.2.2-3'), { met: 'of every client', ...nobodySignsIn }),
  },
  {
    clause: '5.3.2.2-4',
    demand: 'pushes without client authentication are refused',
    judge: ({ clients }) =>
      eachClient(clients.filter(usesCode), judgeUnprovenPush, {
        met: 'nobody pushes for a client that is not proven',
        ...nobodySignsIn,
      }),
  },
  {
    clause: '5.3.2.2-5',
    demand: 'PKCE with S256',
    judge: ({ clients }) =>
      eachClient(clients.filter(usesCode), ruleOf('5.3.2.2-5'), { met: 'of every client', ...nobodySignsIn }),
  },
  {
    clause: '5.3.2.2-6',
    demand: 'a pushed request names its redirect URI',
    judge: ({ clients }) =>
      eachClient(clients.filter(usesCode), profiled('it may leave out its only redirect URI'), {
        met: 'of every client',
        ...nobodySignsIn,
      }),
  },
  {
    clause: '5.3.2.2-7',
    demand: 'iss is in every answer',
    always: { reason: 'success or error', tests: ['MX-01 puts one iss on every answer'] },
  },
  {
    clause: '5.3.2.2-8',
    demand: 'redirect URIs are https',
    judge: ({ clients }) =>
      eachClient(clients.filter(usesCode), ruleOf('5.3.2.2-8'), { met: 'of every client', ...nobodySignsIn }),
  },
  {
    clause: '5.3.2.2-9',
    demand: 'a code that was used is refused',
    always: { reason: 'and its grant ends', tests: ['AC-01', 'AC-02'] },
  },
  {
    clause: '5.3.2.2-10, -11',
    demand: 'browsers are redirected by 303, never by 307',
    always: { reason: 'there is one function for redirects', tests: ['is sent on by 303 and by nothing else'] },
  },
  {
    clause: '5.3.2.2-12',
    demand: 'a request_uri lives less than 600 seconds',
    always: { reason: 'it lives a minute', tests: ['PR-01 is over after its minute, to the millisecond'] },
  },
  {
    clause: '5.3.2.2-13',
    demand: 'people are told what they agree to',
    judge: ({ clients }) =>
      eachClient(clients.filter(usesCode), judgeConsent, { met: 'every client asks for consent', ...nobodySignsIn }),
  },
  {
    clause: '5.3.2.2-14',
    demand: 'a nonce of 64 characters is taken',
    always: {
      reason: 'one of 1,024 is',
      tests: ['takes a nonce of 64 characters and a long state, and tells them back'],
    },
  },
]

const cryptography: readonly Clause[] = [
  {
    clause: '5.4.1-1.1',
    demand: 'JWTs are handled as RFC 8725 says',
    always: { reason: 'in one place for all of them', tests: ['JW-01', 'JW-02', 'JW-03', 'JW-05', 'JW-08', 'JW-12'] },
  },
  {
    clause: '5.4.1-1.2',
    demand: 'JWTs are signed with PS256, ES256 or EdDSA',
    judge: judgeAlgorithms,
  },
  {
    clause: '5.4.1-1.3',
    demand: 'the algorithm none is refused',
    always: { reason: 'it is in no table of ours', tests: ['JW-01', 'DP-02'] },
  },
  {
    clause: '5.4.1-2, -3',
    demand: 'RSA keys have 2,048 bits or more, elliptic ones 224',
    always: { reason: 'weaker ones are refused wherever they come from', tests: ['JW-14', 'DP-05'] },
  },
  {
    clause: '5.4.1-4',
    demand: 'credentials that no person handles have 128 bits or more',
    always: {
      reason: 'codes, tokens and names of pushed requests have so many that none is guessed',
      tests: ['AC-08', 'PR-01 is not guessed: what was never given out, or changed by a character, is nobody', 'RT-35'],
    },
  },
]

export const fapi2: CheckedProfile = {
  title: 'FAPI 2.0 Security Profile',
  clauses: [...general, ...authorization, ...cryptography],
}

function byRule(clause: string, words: { readonly met: string; readonly none: string }) {
  return ({ clients }: Situation): readonly Judgement[] => eachClient(clients, ruleOf(clause), words)
}

/** For what the profile alone turns on. */
function profiled(reason: string): (client: Client) => ClientFault | null {
  return ({ profile }) => (profile === 'fapi2' ? null : { reason, change: toProfile })
}

function signsAssertions({ authMethod }: Client): boolean {
  return authMethod === 'private_key_jwt' || authMethod === 'client_secret_jwt'
}

function judgeMethods(situation: Situation): readonly Judgement[] {
  const isAsked = takesCertificates(situation)
  const judge = (client: Client): ClientFault | null => {
    const needsCertificate = client.authMethod.includes('tls') || client.tlsClientCertificateBoundAccessTokens
    if (!needsCertificate || isAsked) return ruleOf('5.3.2.1-6')(client)
    return {
      reason: 'it is known by a certificate, and can show none here',
      change: 'serve with --mtls-port, or with --client-certificate-header behind a proxy',
    }
  }
  return eachClient(situation.clients, judge, { met: 'every client does', ...none })
}

function judgeRotation(client: Client): ClientFault | null {
  if (keepsRefreshToken(client)) return null
  return { reason: 'its refresh tokens are rotated', change: toProfile }
}

function judgeCode({ profile }: Client, serverSeconds: number): ClientFault | null {
  const seconds = codeSecondsFor(profile, serverSeconds)
  if (seconds <= fapi2CodeSecondsMax) return null
  const change = `${toProfile}, or serve with --code-seconds ${fapi2CodeSecondsMax}`
  return { reason: `its codes live ${seconds} seconds`, change }
}

function judgeUnprovenPush(client: Client): ClientFault | null {
  return isPublicClient(client) ? ruleOf('5.3.2.1-3')(client) : null
}

function judgeAlgorithms({ clients, resources }: Situation): readonly Judgement[] {
  const others = resources.filter(({ signingAlgorithm }) => !allowsAlgorithm('fapi2', signingAlgorithm))
  const byResource = others.flatMap(({ indicator, signingAlgorithm }) =>
    failed(
      `tokens for ${indicator} are signed with ${signingAlgorithm}`,
      `say pawl resource set ${indicator} --alg ES256`,
    ),
  )
  const judge = (client: Client) => ruleOf('5.4.1-1.2')(client) ?? profiled('it may sign with other algorithms')(client)
  return [...byResource, ...eachClient(clients, judge, { met: 'by every client, and for it', ...none })]
}
