/**
 * OWASP ASVS 5.0, V10 OAuth and OIDC as far as it speaks of authorization servers, with the clauses of V7 and V9 on their
 * sessions and tokens. Where a clause asks for more at level 3, that is what is judged.
 */

import { isPublicClient } from '../../domain/client/client.ts'
import { ruleOf } from '../client-profile-rules.ts'
import { judgeAudiences, judgeConsent } from './alike.ts'
import { judgeBackend, judgeCode, judgeReplay, judgeScopes } from './asvs5-clients.ts'
import {
  type CheckedProfile,
  type Clause,
  eachClient,
  either,
  notApplicable,
  refreshes,
  unseen,
  usesCode,
} from './clause.ts'

const nobodySignsIn = { none: 'no client sends people to the authorization endpoint' }

const others: readonly Clause[] = [
  {
    clause: '10.1, 10.2, 10.3, 10.5',
    demand: 'what applications and APIs have to do',
    judge: () => notApplicable('they speak of clients and resource servers, and this is neither'),
  },
]

const authorizationServer: readonly Clause[] = [
  {
    clause: '10.4.1',
    demand: 'redirect URIs are compared exactly with those registered for the client',
    always: {
      reason: 'character for character, but for the port of a loopback literal (RFC 8252 §7.3)',
      tests: ['RU-01', 'RU-04', 'RU-05', 'RU-08'],
    },
  },
  {
    clause: '10.4.2',
    demand: 'a code is good once, and used again it ends what came of it',
    always: { reason: 'in one step with the first use', tests: ['AC-01', 'AC-02'] },
  },
  {
    clause: '10.4.3',
    demand: 'codes live ten minutes at most, at level 3 one',
    judge: ({ clients, settings }) =>
      eachClient(clients.filter(usesCode), client => judgeCode(client, settings.codeSeconds), {
        met: `they live ${settings.codeSeconds} seconds`,
        ...nobodySignsIn,
      }),
  },
  {
    clause: '10.4.4',
    demand: 'a client uses the grants it needs, and there is no implicit or password grant',
    always: {
      reason: 'a grant type that is not registered is refused, and those two are not there',
      tests: ['AC-12', 'RT-25', 'lists the grant types the token endpoint knows, and it knows no other'],
    },
  },
  {
    clause: '10.4.5',
    demand: 'replay of refresh tokens of public clients is met, best by binding them to a key',
    judge: ({ clients }) =>
      eachClient(
        clients.filter(client => isPublicClient(client) && refreshes(client)),
        judgeReplay,
        { met: 'they are bound to a key, or a spent one ends its grant at once', none: 'no public client gets any' },
      ),
  },
  {
    clause: '10.4.6',
    demand: 'PKCE with S256 is asked of every client',
    judge: ({ clients }) =>
      eachClient(clients.filter(usesCode), ruleOf('5.3.2.2-5'), { met: 'it is', ...nobodySignsIn }),
  },
  {
    clause: '10.4.7',
    demand: 'a client that registered itself, with nobody to vouch for it, is met with distrust',
    always: {
      reason: 'its addresses are judged, people are asked every time and see where they go before they go there',
      tests: ['CM-08', 'CM-10', 'RU-10', 'CK-12'],
    },
  },
  {
    clause: '10.4.8',
    demand: 'refresh tokens have an end that use does not move',
    always: { reason: 'every family has one', tests: ['RT-19', 'RT-43'] },
  },
  {
    clause: '10.4.9',
    demand: 'people can take tokens back',
    always: {
      reason: 'on their account page',
      tests: ['takes back what an application may do, with all its tokens', 'RT-22'],
    },
  },
  {
    clause: '10.4.10',
    demand: 'confidential clients authenticate at every endpoint',
    always: { reason: 'by the method they registered, and by no other', tests: ['CA-01', 'CA-04', 'PR-02'] },
  },
  {
    clause: '10.4.11',
    demand: 'clients are registered for the scopes they need',
    judge: ({ clients }) =>
      eachClient(clients.filter(usesCode), judgeScopes, {
        met: 'no client may ask for everything there is to know of a person',
        ...nobodySignsIn,
      }),
  },
  {
    clause: '10.4.12',
    demand: 'a client chooses how it is answered where nobody can change it',
    judge: situation =>
      judgeBackend(
        situation,
        situation.clients.filter(usesCode),
        'what it asks for rides through the browser unsigned',
      ),
  },
  {
    clause: '10.4.13',
    demand: 'codes are given for pushed requests alone',
    judge: ({ clients, settings }) =>
      eachClient(
        clients.filter(usesCode),
        client => (settings.requirePushedRequests ? null : ruleOf('5.3.2.2-3')(client)),
        { met: 'of every client', ...nobodySignsIn },
      ),
  },
  {
    clause: '10.4.14',
    demand: 'access tokens are bound to a key',
    judge: ({ clients }) =>
      eachClient(clients, ruleOf('5.3.2.1-5'), { met: 'of every client', none: 'no client is registered yet' }),
  },
  {
    clause: '10.4.15',
    demand: 'authorization details come from the backend of a client that has one',
    judge: situation =>
      judgeBackend(
        situation,
        situation.clients.filter(
          client => !isPublicClient(client) && client.requests.authorizationDetailsTypes.length > 0,
        ),
        'its authorization details ride through the browser unsigned',
      ),
  },
  {
    clause: '10.4.16',
    demand: 'clients prove themselves with a key or a certificate',
    judge: ({ clients }) =>
      eachClient(clients, ruleOf('5.3.2.1-6'), { met: 'every client does', none: 'no client is registered yet' }),
  },
]

const openidProvider: readonly Clause[] = [
  {
    clause: '10.6.1',
    demand: 'no response type gives a token to the browser',
    always: { reason: 'there is only code', tests: ['AC-12'] },
  },
  {
    clause: '10.6.2',
    demand: 'nobody is signed out against their will',
    always: { reason: 'without a hint of the session the person is asked', tests: ['LO-01', 'CK-14'] },
  },
  {
    clause: '10.7.1',
    demand: 'people agree to every authorization',
    judge: ({ clients }) =>
      eachClient(clients.filter(usesCode), judgeConsent, { met: 'every client asks for it', ...nobodySignsIn }),
  },
  {
    clause: '10.7.2',
    demand: 'people are told what, for whom and for how long they agree',
    always: { reason: 'on the page that asks', tests: ['CK-13', 'IJ-09', 'says for how long'] },
  },
  {
    clause: '10.7.3',
    demand: 'people can look at what they agreed to, and take it back',
    always: {
      reason: 'on their account page; less is agreed to by agreeing anew',
      tests: ['takes back what an application may do, with all its tokens'],
    },
  },
]

const sessionsAndTokens: readonly Clause[] = [
  {
    clause: '7.2.1, 7.2.2',
    demand: 'sessions are made for each sign-in and verified where nobody else can reach',
    always: { reason: 'in the store, by what the cookie names', tests: ['CK-06', 'CK-01'] },
  },
  {
    clause: '7.2.3, 7.2.4',
    demand: 'sessions have random names, and a new one after each sign-in',
    always: { reason: 'of 256 bits', tests: ['CK-05', 'CK-06'] },
  },
  {
    clause: '7.3.1, 7.3.2',
    demand: 'sessions end when they are idle, and when they are old',
    judge: ({ settings }) =>
      unseen(
        `a session in a browser ends ${settings.sessionSeconds} seconds after the sign-in, so it is never idle for longer; whether that is short enough your risk analysis must say (--session-seconds)`,
      ),
  },
  {
    clause: '7.4.1',
    demand: 'after signing out a session is worth nothing',
    always: { reason: 'neither are the tokens that belong to it', tests: ['LO-01', 'RT-26', 'CK-05, CK-06'] },
  },
  {
    clause: '7.4.2',
    demand: 'a person who is disabled or gone has no session left',
    always: { reason: 'in the same transaction', tests: ['RT-23'] },
  },
  {
    clause: '7.4.3',
    demand: 'whoever changes a means to sign in can end all other sessions',
    judge: ({ settings }) =>
      either(settings.passwordChangeEnds !== 'none', {
        met: `a change ends ${settings.passwordChangeEnds === 'all' ? 'all sessions' : 'all others'} by itself`,
        failed: 'a change ends no session',
        change: 'serve with --password-change-ends others',
      }),
  },
  {
    clause: '7.4.5',
    demand: 'operators can end sessions of one person, or of all',
    always: { reason: 'by pawl revoke', tests: ['RV-04', 'RV-17'] },
  },
  {
    clause: '7.5.1, 7.5.2',
    demand: 'people see their sessions and end any of them, after having signed in anew',
    always: {
      reason: 'on their account page',
      tests: [
        'lists where its owner is signed in, this browser first',
        'signs out one other browser, with its tokens, and nobody elses',
        'is shown to who has signed in a moment ago',
      ],
    },
  },
  {
    clause: '7.6.1',
    demand: 'sessions of applications end with the session they stand on, as documented',
    always: {
      reason: 'refresh tokens without offline_access end with it, and applications are told that it ended',
      tests: ['RT-26', 'LO-02', 'says whose session ended'],
    },
  },
  {
    clause: '7.6.2',
    demand: 'nobody is signed in without doing something',
    always: { reason: 'a form of another site signs nobody in', tests: ['CK-03'] },
  },
  {
    clause: '9.1.1, 9.1.2',
    demand: 'JWTs are verified, under algorithms of a list',
    always: { reason: 'in one place for all of them', tests: ['JW-01', 'JW-02', 'JW-06'] },
  },
  {
    clause: '9.1.3',
    demand: 'keys come from where we were told, not from the JWT',
    always: { reason: 'a key in a header is not looked at', tests: ['JW-03', 'JW-14'] },
  },
  {
    clause: '9.2.1',
    demand: 'JWTs count within their times alone',
    always: { reason: 'to the second', tests: ['JW-12', 'IN-05'] },
  },
  {
    clause: '9.2.2',
    demand: 'a JWT of one kind passes for no other',
    always: { reason: 'by its type', tests: ['JW-07', 'JW-08', 'MX-01', 'IN-09'] },
  },
  {
    clause: '9.2.3, 9.2.4',
    demand: 'tokens say for whom they are',
    judge: judgeAudiences,
  },
]

export const asvs5: CheckedProfile = {
  title: 'OWASP ASVS 5.0, V10 with V7 and V9',
  clauses: [...others, ...authorizationServer, ...openidProvider, ...sessionsAndTokens],
}
