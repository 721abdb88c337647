import { defineSearchAttributeKey } from '@temporalio/common';

/** What operators filter by in the Temporal UI. Search attributes are never encrypted: ids and states only. */
export const STREAM_ID_ATTRIBUTE = defineSearchAttributeKey('StreamId', 'KEYWORD');
export const STREAM_STATUS_ATTRIBUTE = defineSearchAttributeKey('StreamStatus', 'KEYWORD');
export const HOST_ID_ATTRIBUTE = defineSearchAttributeKey('HostId', 'KEYWORD');

export const SEARCH_ATTRIBUTES = [STREAM_ID_ATTRIBUTE, STREAM_STATUS_ATTRIBUTE, HOST_ID_ATTRIBUTE];
