/** The pages of the device grant in every state that looks different. */

import { deviceConsentPage, deviceDonePage, userCodePage } from '../packages/server/src/http/pages/device-pages.ts'
import type { Page } from '../packages/server/src/http/pages/layout.ts'

const issuerHost = 'id.example.com'
const days = 86_400

const device = {
  userCode: 'WDJB-MJHT',
  address: '203.0.113.7',
  userAgent: 'Television/4.2 (living room)',
  askedSecondsAgo: 95,
  isNearby: true,
}

const consent = {
  issuerHost,
  stateToken: 'c2VhbGVkLXN0YXRl',
  client: { name: 'Harbour Films', host: null },
  clientIsCertain: false,
  userEmail: 'ada@example.com',
  scopes: ['openid', 'offline_access', 'films:watch'],
  resources: ['https://films.example/'],
  details: [],
  lasting: { kind: 'offline', idleSeconds: 30 * days, absoluteSeconds: 90 * days },
  device,
} as const

export function deviceSamples(): { readonly [name: string]: Page } {
  return {
    'device-code': userCodePage({ issuerHost, userCode: '', problem: null }),
    'device-code-link': userCodePage({ issuerHost, userCode: device.userCode, problem: null }),
    'device-code-unknown': userCodePage({ issuerHost, userCode: 'WDJB MJHX', problem: { kind: 'unknown' } }),
    'device-code-throttled': userCodePage({
      issuerHost,
      userCode: device.userCode,
      problem: { kind: 'throttled', retryAfterSeconds: 840 },
    }),
    'device-consent': deviceConsentPage(consent),
    'device-consent-far': deviceConsentPage({
      ...consent,
      device: { ...device, isNearby: false, userAgent: '', askedSecondsAgo: 0 },
    }),
    'device-allowed': deviceDonePage({ issuerHost, outcome: 'allowed' }),
    'device-refused': deviceDonePage({ issuerHost, outcome: 'refused' }),
    'device-allowed-before': deviceDonePage({ issuerHost, outcome: 'allowed_before' }),
  }
}
