"""Runs a draft rule over the messages that an account has received: what would it have done?"""
