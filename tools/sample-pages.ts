/** Every page in every state that looks different, for the screenshots and for the tests that hold all pages to one rule. */

import { consentPage } from '../packages/server/src/http/pages/consent-page.ts'
import { alreadyUsedPage, errorPage } from '../packages/server/src/http/pages/error-page.ts'
import { formPostPage } from '../packages/server/src/http/pages/form-post-page.ts'
import { homePage } from '../packages/server/src/http/pages/home-page.ts'
import type { Page } from '../packages/server/src/http/pages/layout.ts'
import { signInPage, type SignInPageProps } from '../packages/server/src/http/pages/sign-in-page.ts'
import { signedOutPage, signOutPage } from '../packages/server/src/http/pages/sign-out-pages.ts'

const issuerHost = 'id.example.com'
const stateToken = 'c2VhbGVkLXN0YXRl'
const client = { name: 'Harbour Invoices', host: 'invoices.example' }
const native = { name: 'Tide Tables', host: '127.0.0.1' }
const email = 'ada@example.com'
const days = 86_400
const plain: SignInPageProps = { issuerHost, stateToken, client, loginHint: null, problem: null, signedInAs: null }
const offline = { kind: 'offline', idleSeconds: 30 * days, absoluteSeconds: 90 * days } as const
const consent = {
  issuerHost,
  stateToken,
  client,
  clientIsCertain: true,
  userEmail: email,
  resources: [],
  details: [],
  lasting: offline,
}

export function samplePages(): { readonly [name: string]: Page } {
  return {
    'sign-in': signInPage(plain),
    'sign-in-refused': signInPage({ ...plain, loginHint: email, problem: { kind: 'refused' } }),
    'sign-in-throttled': signInPage({
      ...plain,
      loginHint: email,
      problem: { kind: 'throttled', retryAfterSeconds: 840 },
    }),
    'sign-in-again': signInPage({ ...plain, client: null, loginHint: email, signedInAs: email }),
    consent: consentPage({ ...consent, scopes: ['openid', 'profile', 'email', 'offline_access'] }),
    'consent-native': consentPage({
      ...consent,
      client: native,
      clientIsCertain: false,
      scopes: ['openid', 'phone', 'address', 'tides:read'],
      resources: ['https://api.tides.example/v2', 'https://charts.tides.example/'],
      lasting: { kind: 'session', idleSeconds: 3600, absoluteSeconds: 7 * days },
    }),
    'consent-details': consentPage({
      ...consent,
      scopes: ['offline_access'],
      details: [
        {
          sentence: [
            { text: 'Pay ', isSent: false },
            { text: '123.50', isSent: true },
            { text: ' ', isSent: false },
            { text: 'EUR', isSent: true },
            { text: ' to ', isSent: false },
            { text: 'Merchant A', isSent: true },
          ],
          facts: [
            { label: 'Account', value: 'DE02100100109307118603' },
            { label: 'Reference', value: 'Ref Number Merchant 4711' },
          ],
        },
      ],
    }),
    error: errorPage({
      issuerHost,
      title: 'This application is not set up here',
      message: 'The link you followed names an application that this server does not know. Please tell its makers.',
      requestId: 'req_7hq2m4k9x0tb',
      status: 400,
    }),
    'already-used': alreadyUsedPage({ issuerHost, client, requestId: 'req_7hq2m4k9x0tb' }),
    'form-post': formPostPage({
      issuerHost,
      action: 'https://invoices.example/callback',
      fields: [
        ['code', 'sample'],
        ['state', 'af0ifjsldkj'],
        ['iss', 'https://id.example.com'],
      ],
    }),
    'sign-out': signOutPage({ issuerHost, stateToken, userEmail: email, client }),
    'signed-out': signedOutPage({ issuerHost }),
    home: homePage({ issuerHost, signedIn: null }),
    'home-signed-in': homePage({ issuerHost, signedIn: { email, stateToken } }),
  }
}
