/** Every page in every state that looks different, for the screenshots and for the tests that hold all pages to one rule. */

import { accountPage, recoveryCodesPage, totpPage } from '../packages/server/src/http/pages/account-page.ts'
import { consentPage } from '../packages/server/src/http/pages/consent-page.ts'
import { alreadyUsedPage, errorPage } from '../packages/server/src/http/pages/error-page.ts'
import { formPostPage } from '../packages/server/src/http/pages/form-post-page.ts'
import { homePage } from '../packages/server/src/http/pages/home-page.ts'
import type { Page } from '../packages/server/src/http/pages/layout.ts'
import { leavePage } from '../packages/server/src/http/pages/leave-page.ts'
import {
  choosePasswordPage,
  forgottenPage,
  linkOverPage,
  mailSentPage,
  passwordChosenPage,
  recentMailsPage,
} from '../packages/server/src/http/pages/password-pages.ts'
import { secondFactorPage } from '../packages/server/src/http/pages/second-factor-page.ts'
import { signInPage, type SignInPageProps } from '../packages/server/src/http/pages/sign-in-page.ts'
import { signedOutPage, signOutPage } from '../packages/server/src/http/pages/sign-out-pages.ts'
import { signUpPage } from '../packages/server/src/http/pages/sign-up-page.ts'
import { deviceSamples } from './sample-device-pages.ts'

const issuerHost = 'id.example.com'
const stateToken = 'c2VhbGVkLXN0YXRl'
const client = { name: 'Harbour Invoices', host: 'invoices.example' }
const native = { name: 'Tide Tables', host: '127.0.0.1' }
const email = 'ada@example.com'
const days = 86_400
const plain: SignInPageProps = { issuerHost, stateToken, client, loginHint: null, problem: null, signedInAs: null }
/** Good for both ceremonies, as far as a browser looks at them before it is asked. */
const passkeyOptions = JSON.stringify({
  challenge: 'c2FtcGxl',
  rp: { id: 'id.example.com', name: 'id.example.com' },
  user: { id: 'YWRh', name: email, displayName: email },
  pubKeyCredParams: [{ type: 'public-key', alg: -7 }],
})
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
    ...signInSamples(),
    consent: consentPage({ ...consent, scopes: ['openid', 'profile', 'email', 'offline_access'] }),
    'consent-document': consentPage({
      ...consent,
      client: { ...native, publishedAt: 'tides.example' },
      clientIsCertain: false,
      scopes: ['openid', 'offline_access'],
    }),
    ...leavingSamples(),
    'consent-native': consentPage({
      ...consent,
      client: native,
      clientIsCertain: false,
      scopes: ['openid', 'phone', 'address', 'tides:read'],
      resources: ['https://api.tides.example/v2', 'https://charts.tides.example/'],
      lasting: { kind: 'session', idleSeconds: 3600, absoluteSeconds: 7 * days },
    }),
    'consent-details': consentPage({ ...consent, scopes: ['offline_access'], details: [payment] }),
    error: errorPage({
      issuerHost,
      title: 'This application is not set up here',
      message: 'The link you followed names an application that this server does not know. Please tell its makers.',
      requestId: 'req_7hq2m4k9x0tb',
      status: 400,
    }),
    'already-used': alreadyUsedPage({ issuerHost, client, requestId: 'req_7hq2m4k9x0tb' }),
    ...signOutSamples(),
    home: homePage({ issuerHost, signedIn: null }),
    'home-signed-in': homePage({ issuerHost, signedIn: { email, stateToken } }),
    ...deviceSamples(),
    ...accountSamples(),
    ...passwordSamples(),
    ...secondFactorSamples(),
  }
}

function signInSamples(): { readonly [name: string]: Page } {
  return {
    'sign-in': signInPage(plain),
    'sign-in-refused': signInPage({ ...plain, loginHint: email, problem: { kind: 'refused' } }),
    'sign-in-throttled': signInPage({
      ...plain,
      loginHint: email,
      problem: { kind: 'throttled', retryAfterSeconds: 840 },
    }),
    'sign-in-again': signInPage({ ...plain, client: null, loginHint: email, signedInAs: email }),
    'sign-in-all-ways': signInPage({
      ...plain,
      passkeyOptions,
      forgottenHref: '/forgotten',
      offersAccount: true,
      upstreams: [{ id: 'acme', name: 'Acme' }],
    }),
    'sign-up': signUpPage({ issuerHost, stateToken, client, loginHint: email, isSent: false }),
    'sign-up-sent': signUpPage({ issuerHost, stateToken, client, loginHint: null, isSent: true }),
  }
}

const payment = {
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
}

function leavingSamples(): { readonly [name: string]: Page } {
  return {
    leave: leavePage({ issuerHost, client, way: { href: 'https://invoices.example/cb?error=x' }, fields: [] }),
    'leave-by-form': leavePage({
      issuerHost,
      client,
      way: { action: 'https://invoices.example/cb' },
      fields: [['error', 'login_required']],
    }),
    'form-post': formPostPage({
      issuerHost,
      action: 'https://invoices.example/callback',
      fields: [
        ['code', 'sample'],
        ['state', 'af0ifjsldkj'],
        ['iss', 'https://id.example.com'],
      ],
    }),
  }
}

function signOutSamples(): { readonly [name: string]: Page } {
  return {
    'sign-out': signOutPage({ issuerHost, stateToken, userEmail: email, client }),
    'signed-out': signedOutPage({ issuerHost, frames: [], way: null }),
    'signed-out-frames': signedOutPage({
      issuerHost,
      frames: ['https://invoices.example/logged-out?sid=1', 'https://films.example/logged-out?sid=1'],
      way: { href: 'https://invoices.example/bye', byHand: false, client },
    }),
    'signed-out-by-hand': signedOutPage({
      issuerHost,
      frames: [],
      way: { href: 'https://invoices.example/bye', byHand: true, client },
    }),
  }
}

function secondFactorSamples(): { readonly [name: string]: Page } {
  return {
    'second-factor': secondFactorPage({ ...secondFactor, problem: null }),
    'second-factor-refused': secondFactorPage({ ...secondFactor, problem: { kind: 'refused' } }),
    'second-factor-either': secondFactorPage({
      ...secondFactor,
      passkeyOptions,
      problem: { kind: 'passkey_refused' },
    }),
    'second-factor-passkey': secondFactorPage({
      ...secondFactor,
      takesCode: false,
      passkeyOptions,
      problem: null,
    }),
  }
}

const secondFactor = {
  issuerHost,
  action: '/second-factor',
  stateToken,
  client,
  userEmail: email,
  takesCode: true,
  passkeyOptions: null,
} as const

function accountSamples(): { readonly [name: string]: Page } {
  const since = '2 March 2027, 12:00 UTC'
  const held = { since, lastUsed: '3 March 2027, 08:15 UTC' }
  const holdings = [
    { ...held, id: 'one', kind: 'sign_in' },
    { ...held, id: 'two', kind: 'device' },
    { ...held, id: 'three', kind: 'branch', name: 'night-shift agent' },
  ] as const
  const account = {
    issuerHost,
    stateToken,
    userEmail: email,
    notice: { isProblem: false, text: 'The passkey is added.' },
    hasTotp: true,
    recoveryCodesLeft: 9,
    passkeys: [{ id: 'one', name: 'My laptop', since, lastUsed: since }],
    passkeyOptions,
    sessions: [
      { id: 'a', isThis: true, agent: 'Firefox on Linux', address: '203.0.113.7', since, how: 'with a passkey' },
      { id: 'b', isThis: false, agent: 'Safari on iPhone', address: '2001:db8::1', since, how: 'with a password' },
    ],
    applications: [
      { clientId: 'invoices', name: client.name, scopes: ['openid', 'offline_access'], holdings: holdings.slice(0, 1) },
      { clientId: 'films', name: 'Harbour Films', scopes: ['openid', 'films:watch'], holdings },
    ],
    upstreams: [{ id: 'acme', name: 'Acme', since: null }],
  }
  const nothing = { notice: null, hasTotp: false, passkeys: [], passkeyOptions: null, applications: [], upstreams: [] }
  const totp = { issuerHost, stateToken, userEmail: email, keyText: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP' }
  const picture = { pictureHref: 'data:image/svg+xml,%3Csvg%20xmlns=%22http://www.w3.org/2000/svg%22/%3E' }
  return {
    account: accountPage(account),
    'account-new': accountPage({ ...account, ...nothing }),
    'codes-set-up': totpPage({ ...totp, ...picture, isRefused: false }),
    'codes-refused': totpPage({ ...totp, ...picture, isRefused: true }),
    'recovery-codes': recoveryCodesPage({ issuerHost, codes: ['abcd-efgh-jkmn-pqrs', '0123-4567-89ab-cdef'] }),
  }
}

function passwordSamples(): { readonly [name: string]: Page } {
  const choose = { issuerHost, action: '/password', token: 'c2FtcGxl', email }
  return {
    forgotten: forgottenPage({ issuerHost }),
    'mail-sent': mailSentPage({ issuerHost }),
    'choose-password': choosePasswordPage({ ...choose, problem: null }),
    'choose-password-refused': choosePasswordPage({ ...choose, problem: 'The new password is too short.' }),
    'password-chosen': passwordChosenPage({ issuerHost, email, accountHref: '/account' }),
    'link-over': linkOverPage({ issuerHost, canAsk: true }),
    mails: recentMailsPage({
      issuerHost,
      mails: [{ to: email, subject: 'A new password', text: 'https://id.example.com' }],
    }),
  }
}
