"""Networks: channels of the points, temporal convolution, pooling over prefixes, heads."""
