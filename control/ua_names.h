// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Every name on Ua that rests on memory and not on the text of TS 26.346 clause 11 or TS 33.246
// (docs/ua-profile.md tells which): one edit here puts it right.

#pragma once

// Elements are told by local name, in no namespace or in one that begins like this. Everything
// else is passed over.
#define UA_XML_NAMESPACES "urn:3GPP:metadata:2005:MBMS:"

#define UA_XML_SERVICE "serviceID"
#define UA_XML_MSK "MSK"
#define UA_XML_DOMAIN "keyDomainID" // base64 of 3 octets
#define UA_XML_MSK_ID "MSKID" // base64 of 4 octets: key group, Key Number
#define UA_XML_GROUP "keyGroupID" // v600: 4 hex digits
#define UA_XML_RESPONSE "Response"
#define UA_XML_CODE "ResponseCode"

#define UA_XML_REGISTER_ROOT "mbmsSecurityRegisterResponse"
#define UA_XML_REGISTER_NAMESPACE UA_XML_NAMESPACES "securityRegisterResponse"
#define UA_XML_MSK_ROOT "mbmsMSKResponse"
#define UA_XML_MSK_NAMESPACE UA_XML_NAMESPACES "mskResponse"

#define UA_XML_DESCRIPTION_ROOT "securityDescription"
#define UA_XML_DESCRIPTION_NAMESPACE UA_XML_NAMESPACES "securityDescription"

// Media types (IANA; there is none for the answer to a deregistration).
#define UA_TYPE_REGISTER "application/mbms-register+xml"
#define UA_TYPE_DEREGISTER "application/mbms-deregister+xml"
#define UA_TYPE_MSK "application/mbms-msk+xml"
#define UA_TYPE_REGISTER_RESPONSE "application/mbms-register-response+xml"
#define UA_TYPE_MSK_RESPONSE "application/mbms-msk-response+xml"
#define UA_TYPE_DESCRIPTION "application/mbms-protection-description+xml"

// The query that tells the procedures apart.
#define UA_QUERY "requesttype"
#define UA_QUERY_REGISTER "register"
#define UA_QUERY_DEREGISTER "deregister"
#define UA_QUERY_MSK "msk-request"

// Realms (TS 24.109).
#define UA_REALM_ME "3GPP-bootstrapping@"
#define UA_REALM_UICC "3GPP-bootstrapping-uicc@"
#define UA_GBA_TOKEN "3gpp-gba" // in User-Agent
